/** Hub ids on the command line: a whole download, one that is killed in the middle, and none. */
import { cpSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { commit, startFakeHub } from "../../../packages/pipelines/test/support/fake-hub.ts";
import { saveTinyModel } from "../../../packages/pipelines/test/support/tiny-model.ts";
import { bin, errorOf, startBin } from "./support/cli.ts";
import { temporaryFolder } from "./support/temporary.ts";

const folder = temporaryFolder();
const model = join(folder, "model");
await saveTinyModel(model);
const files = new Map(readdirSync(model).map((name) => [name, new Uint8Array(readFileSync(join(model, name)))]));
const args = ["fill-mask", "--model", "somebody/tiny", "The [MASK]", "--json", "--backend", "cpu"];

test("a model is downloaded, used, and used again without a connection", async () => {
  await using hub = await startFakeHub({ name: "somebody/tiny", files, large: ["model.safetensors"] });
  const env = { HF_HOME: join(folder, "home"), HF_ENDPOINT: hub.url };
  const first = await bin(args, "", env);
  expect(first).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("downloading somebody/tiny/model.safetensors"),
  });
  const local = await bin(["fill-mask", "--model", model, "The [MASK]", "--json", "--backend", "cpu"]);
  expect(first.stdout).toBe(local.stdout);
  expect(await bin(args, "", { ...env, HF_HUB_OFFLINE: "1" })).toEqual({ code: 0, stdout: local.stdout, stderr: "" });
});

test("tokenize does not download the weights", async () => {
  await using hub = await startFakeHub({ name: "somebody/tiny", files, large: ["model.safetensors"] });
  const env = { HF_HOME: join(folder, "tokenizer"), HF_ENDPOINT: hub.url };
  const { code } = await bin(["tokenize", "--model", "somebody/tiny"], '"a"\n', env);
  expect(code).toBe(0);
  expect(hub.requests.some((request) => request.includes("model.safetensors"))).toBe(false);
});

test("a download that is killed is made good by the next run", async () => {
  await using hub = await startFakeHub({ name: "somebody/tiny", files, large: ["model.safetensors"] });
  const env = { HF_HOME: join(folder, "killed"), HF_ENDPOINT: hub.url };
  hub.faults.set("model.safetensors", { kind: "stall" });
  const child = startBin(args, env);
  await hub.stalled;
  const blobs = join(folder, "killed/hub/models--somebody--tiny/blobs");
  const partial = (): string => readdirSync(blobs).find((name) => name.endsWith(".partial"))!;
  await vi.waitUntil(() => statSync(join(blobs, partial())).size > 0, { timeout: 20_000 });
  child.kill("SIGKILL");
  await new Promise((resolve) => child.on("close", resolve));
  expect(errorOf(await bin(args, "", { ...env, HF_HUB_OFFLINE: "1" }))).toMatch(/not in the cache .*download it once/);
  hub.faults.clear();
  hub.requests.length = 0;
  expect((await bin(args, "", env)).code).toBe(0);
  expect(hub.requests.at(-1)).toMatch(/model.safetensors bytes=[1-9]\d*-$/);
});

test("a snapshot that may lack files: embed says so, until a run with a connection has looked", async () => {
  const home = join(folder, "partial");
  cpSync(model, join(home, "hub/models--somebody--tiny/snapshots", commit), { recursive: true });
  await using hub = await startFakeHub({ name: "somebody/tiny", files });
  const env = { HF_HOME: home, HF_ENDPOINT: hub.url };
  const offline = { ...env, HF_HUB_OFFLINE: "1" };
  const embed = ["embed", "--model", "somebody/tiny", "--backend", "cpu"];
  const before = await bin(embed.with(2, join(home, "hub/models--somebody--tiny/snapshots", commit)), "a\nb", offline);
  expect(before).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^the copy .* lacks .* modules\.json \(.*\n$/),
  });
  expect((await bin(embed, "a\nb", env)).code).toBe(0);
  expect(await bin(embed, "a\nb", offline)).toEqual({ code: 0, stdout: before.stdout, stderr: "" });
});

test("401 and 404 say what to do", async () => {
  await using hub = await startFakeHub({ name: "somebody/tiny", files, token: "hf_secret" });
  const env = { HF_HOME: join(folder, "refused"), HF_ENDPOINT: hub.url };
  expect(errorOf(await bin(args, "", env))).toMatch(/status 401.*set HF_TOKEN/);
  const { code, stderr } = await bin(["info", "--model", "nobody/nothing"], "", { ...env, HF_TOKEN: "hf_secret" });
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/status 404.*check the name/) });
});
