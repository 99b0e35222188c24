/** Hub ids: downloads into the standard cache, from a hub on loopback that can fail in every way that the real one does. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ModelNotFoundError, resolveModelFolder } from "../src/index.ts";
import { commit, startFakeHub } from "./support/fake-hub.ts";
import type { FakeHub, HubRepository } from "./support/fake-hub.ts";

const name = "somebody/tiny";
const weights = Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * 2654435761) >>> 24);
const repository: HubRepository = {
  name,
  large: ["model.safetensors"],
  files: new Map([
    ["config.json", Buffer.from('{"model_type":"modernbert"}'.padEnd(200))],
    ["tokenizer.json", Buffer.from("{}")],
    ["model.safetensors", weights],
    ["pytorch_model.bin", Buffer.from("not wanted")],
    ["onnx/model.onnx", Buffer.from("not wanted")],
    ["1_Pooling/config.json", Buffer.from('{"pooling_mode_cls_token":true}')],
  ]),
};

let home: string;
let hub: FakeHub;
let notices: string[];
const onNotice = (notice: string): void => void notices.push(notice);
const inherited = { ...process.env };
const hubVariable = /^(HF_|HUGGING|TRANSFORMERS_OFFLINE$)|_proxy$/i;

async function start(more: Partial<HubRepository> = {}): Promise<void> {
  hub = await startFakeHub({ ...repository, ...more });
  process.env["HF_ENDPOINT"] = hub.url;
}

beforeEach(async () => {
  notices = [];
  home = mkdtempSync(join(tmpdir(), "modernbert-hub-"));
  for (const key of Object.keys(process.env)) if (hubVariable.test(key)) delete process.env[key];
  process.env["HF_HOME"] = home;
  await start();
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
  process.env = { ...inherited };
});

const cache = (): string => join(home, "hub", "models--somebody--tiny");
const blobs = (): string[] => readdirSync(join(cache(), "blobs"));

async function failure(model: string, options = {}): Promise<string> {
  const error: unknown = await resolveModelFolder(model, { onNotice, ...options }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ModelNotFoundError);
  expect((error as Error).message).not.toContain("\n");
  return (error as Error).message;
}

describe("a download", () => {
  test("brings what is needed, in the layout of huggingface_hub", async () => {
    const folder = await resolveModelFolder(name, { onNotice });
    expect(folder).toBe(join(cache(), "snapshots", commit));
    expect(readdirSync(folder).toSorted()).toEqual(["1_Pooling", "config.json", "model.safetensors", "tokenizer.json"]);
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
    expect(readlinkSync(join(folder, "model.safetensors"))).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/);
    expect(readlinkSync(join(folder, "1_Pooling", "config.json"))).toMatch(/^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/);
    expect(readFileSync(join(cache(), "refs", "main"), "utf8")).toBe(commit);
    expect(notices).toContain(`downloading ${name}/model.safetensors (3.0 MB)`);
  });

  test("is not repeated", async () => {
    await resolveModelFolder(name);
    hub.requests.length = 0;
    await resolveModelFolder(name, { onNotice });
    expect(hub.requests.filter((request) => request.includes("/resolve/"))).toEqual([]);
    expect(notices).toEqual([]);
  });

  test("leaves the weights out where they are not needed, and brings them later", async () => {
    const folder = await resolveModelFolder(name, { weights: false });
    expect(existsSync(join(folder, "model.safetensors"))).toBe(false);
    await resolveModelFolder(name);
    expect(existsSync(join(folder, "model.safetensors"))).toBe(true);
  });

  test("sends the token", async () => {
    await hub[Symbol.asyncDispose]();
    await start({ token: "hf_secret" });
    expect(await failure(name)).toMatch(/status 401: Invalid username or password.*check the name.*set HF_TOKEN/);
    process.env["HF_TOKEN"] = "hf_secret";
    await resolveModelFolder(name);
  });

  test("two at once do not disturb each other", async () => {
    const folders = await Promise.all([resolveModelFolder(name), resolveModelFolder(name)]);
    for (const folder of folders) expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
    expect(blobs()).toHaveLength(4);
  });

  test("that is cut off leaves no file that looks whole, and can be repeated", async () => {
    hub.faults.set("model.safetensors", { kind: "cut" });
    expect(await failure(name)).toMatch(/the connection to the hub failed .*not in the cache/);
    expect(blobs().filter((blob) => /^[0-9a-f]{40}$/.test(blob))).toHaveLength(3); // the small files
    for (const left of blobs().filter((blob) => !/^[0-9a-f]{40}$/.test(blob)))
      expect(left).toMatch(/^[0-9a-f]{64}\.partial$/);
    expect(existsSync(join(cache(), "refs"))).toBe(false);
    hub.faults.clear();
    const folder = await resolveModelFolder(name);
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
    expect(blobs().every((blob) => /^[0-9a-f]+$/.test(blob))).toBe(true);
  });

  test.each(["model.safetensors", "config.json"])("of a damaged %s is refused", async (path) => {
    hub.faults.set(path, { kind: "damage" });
    expect(await failure(name)).toMatch(new RegExp(`${path} arrived damaged .*try again`));
    hub.faults.clear();
    await resolveModelFolder(name);
  });
});

describe("refusals", () => {
  test("a model that is not there", async () => {
    expect(await failure("nobody/nothing")).toMatch(/no folder nobody\/nothing.*status 404.*check the name/);
  });
  test("a model without safetensors", async () => {
    await hub[Symbol.asyncDispose]();
    await start({ files: new Map([["pytorch_model.bin", Buffer.from("x")]]) });
    expect(await failure(name)).toMatch(/has no config.json and no safetensors files/);
  });
  test.each(["../tiny", "./tiny", "/tiny", "a/b/c", "tiny/", "-x/y", ""])("%j is no hub id", async (model) => {
    expect(await failure(model)).toMatch(/there is no folder/);
    expect(hub.requests).toEqual([]);
  });
  test("a file is no folder", async () => {
    expect(await failure(new URL(import.meta.url).pathname)).toMatch(/expected a folder .*, got the file/);
  });
});

describe("without a connection", () => {
  test("the cached copy is taken, and said so", async () => {
    const folder = await resolveModelFolder(name);
    await hub[Symbol.asyncDispose]();
    expect(await resolveModelFolder(name, { onNotice })).toBe(folder);
    expect(notices).toEqual([
      expect.stringMatching(/^the connection to the hub failed \(fetch failed: .*\): using the copy in/),
    ]);
  });
  test("a hub that is out of order counts as none", async () => {
    const folder = await resolveModelFolder(name);
    hub.status = 503;
    expect(await resolveModelFolder(name, { onNotice })).toBe(folder);
    expect(notices[0]).toMatch(/status 503/);
  });
  test("HF_HUB_OFFLINE asks nobody", async () => {
    const folder = await resolveModelFolder(name);
    hub.requests.length = 0;
    process.env["HF_HUB_OFFLINE"] = "1";
    expect(await resolveModelFolder(name, { onNotice })).toBe(folder);
    expect(await resolveModelFolder(name, { revision: commit })).toBe(folder);
    expect(hub.requests).toEqual([]);
    expect(notices).toEqual([]);
  });
  test("what was never downloaded is missed by name", async () => {
    process.env["HF_HUB_OFFLINE"] = "1";
    expect(await failure(name)).toMatch(
      /no folder somebody\/tiny, HF_HUB_OFFLINE is set, and somebody\/tiny@main is not in the cache .*download it once/,
    );
  });
  test("a copy without the weights is not enough", async () => {
    await resolveModelFolder(name, { weights: false });
    process.env["HF_HUB_OFFLINE"] = "1";
    expect(await failure(name)).toMatch(/not in the cache/);
    await resolveModelFolder(name, { weights: false });
  });
});
