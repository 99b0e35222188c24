/** Models that cannot be loaded: each gives one line in the page that says what is wrong and what to do. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveTinyModel } from "../../../packages/pipelines/test/support/tiny-model.ts";
import { onChromium } from "./support/chromium.ts";
import { fillTwoMasks, loadUrl, pickFolder, withPage } from "./support/page.ts";
import { serveFolder } from "./support/serve-folder.ts";
import type { FolderServer } from "./support/serve-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "modernbert-bad-models-"));
const model = join(folder, "tiny");
let models: FolderServer;

beforeAll(async () => {
  await saveTinyModel(model);
  models = await serveFolder(folder);
}, 60_000);
afterAll(async () => {
  await models?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

let copies = 0;

/** The address of a copy of the model in which a file has other content, or is cut to a size. */
function spoiled(file: string, content: string | number): string {
  const name = `spoiled-${copies++}`;
  cpSync(model, join(folder, name), { recursive: true });
  const path = join(folder, name, file);
  if (typeof content === "number") truncateSync(path, content);
  else writeFileSync(path, content);
  return `${models.url}/${name}`;
}

onChromium("models that cannot be loaded", () => {
  const state = withPage({ webgpu: false });

  test.each<[string, () => string | Promise<string>, RegExp]>([
    ["an address where nothing is", () => `${models.url}/nothing`, /nothing\/config\.json, got no such file: give a/],
    ["a server that is not there", () => "http://127.0.0.1:9/model", /got none: check the address/],
    ["a server of pages", () => state.url, /config\.json, got no such file/],
    ["no address at all", () => "https://", /expected a model's id on the hub or the address/i],
    [
      "a model of another type",
      () => spoiled("config.json", '{"model_type":"gpt2"}'),
      /model_type.*"modernbert".*got "gpt2"/,
    ],
    ["a config that is no JSON", () => spoiled("config.json", "<html>"), /expected JSON in .*config\.json/i],
    ["damaged weights", () => spoiled("model.safetensors", 20_000), /the file is truncated; download or save it again/],
    ["a damaged tokenizer", () => spoiled("tokenizer.json", "{"), /tokenizer\.json/],
  ])("%s is one line that says what to do", async (_, address, message) => {
    const { page } = state;
    await loadUrl(page, await address());
    const alert = page.getByRole("alert");
    await alert.waitFor();
    const text = (await alert.textContent())!;
    expect(text).toMatch(message);
    expect(text).not.toMatch(/\n|undefined|\[object/);
    expect(await page.locator("#progress").isVisible()).toBe(false);
  });

  test("a connection that breaks off is one line that says what to do", async () => {
    const server = createServer((request, response) => {
      response.writeHead(200, { "access-control-allow-origin": "*", "content-length": 1000 });
      response.write("{", () => request.socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await loadUrl(state.page, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const alert = state.page.getByRole("alert");
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(
      /^The connection broke off after \d bytes of .*config\.json: load it again$/,
    );
    server.close();
  });

  test("a folder without a model says so, and the model that was there stays", async () => {
    const { page } = state;
    await pickFolder(page, model);
    const empty = join(folder, "empty");
    mkdirSync(empty);
    writeFileSync(join(empty, "readme.txt"), "nothing");
    await page.locator("#folder").setInputFiles(empty);
    expect(await page.getByRole("alert").textContent()).toMatch(/got no config\.json: choose the model's folder/);
    await fillTwoMasks(page, "The [MASK] of the [MASK] is");
  });
});
