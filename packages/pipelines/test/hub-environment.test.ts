/** What the environment says about the hub is followed: proxies, tokens, mirrors, places; and files of a repository by what names them. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as send } from "node:http";
import { connect as connectSocket } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cachePath, expandHome, hubEnvironment, offlineVariable } from "../src/hub/environment.ts";
import { proxiesFrom } from "../src/hub/proxy.ts";
import { ModelNotFoundError, resolveModelFolder } from "../src/index.ts";
import { addressOf, commit, listen, startFakeHub } from "./support/fake-hub.ts";
import type { FakeHub, HubRepository } from "./support/fake-hub.ts";

const name = "somebody/tiny";
const files = { "config.json": "{}", "model.safetensors": "weights" };
const inherited = { ...process.env };
let home: string;
let hub: FakeHub;

async function start(contents: Readonly<Record<string, string>> = files, more: Partial<HubRepository> = {}) {
  const bytes = Object.entries(contents).map(([path, text]) => [path, Buffer.from(text)] as const);
  hub = await startFakeHub({ name, files: new Map(bytes), ...more });
  process.env["HF_ENDPOINT"] = hub.url;
}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "modernbert-environment-"));
  for (const key of Object.keys(process.env))
    if (/^(HF_|HUGGING|TRANSFORMERS_OFFLINE$)|_proxy$/i.test(key)) delete process.env[key];
  process.env["HF_HOME"] = home;
});
afterEach(async () => {
  await hub?.[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
  for (const key of Object.keys(process.env)) delete process.env[key];
  Object.assign(process.env, inherited);
});

const reads = (folder: string, path: string): string => readFileSync(join(folder, path), "utf8");

/** A forward proxy that sends every host to the hub, in plain or through a tunnel. */
async function startProxy() {
  const seen: string[] = [];
  const { port } = new URL(hub.url);
  const server = createServer((incoming, outgoing) => {
    seen.push(incoming.url!);
    const { pathname, search } = new URL(incoming.url!);
    const { method, headers } = incoming;
    const onward = send(
      { port, host: "127.0.0.1", path: `${pathname}${search}`, method, headers },
      (answer) => void answer.pipe(outgoing.writeHead(answer.statusCode!, answer.headers)),
    );
    onward.end();
  });
  server.on("connect", ({ url }, client, head) => {
    seen.push(url!);
    const onward = connectSocket(Number(port), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      onward.write(head);
      onward.pipe(client).pipe(onward);
    });
    for (const socket of [onward, client]) socket.on("error", () => {});
  });
  await listen(server);
  const stop = () => (server.closeAllConnections(), server.close());
  return { url: addressOf(server), seen, [Symbol.dispose]: stop };
}

const token = async (variables: Record<string, string>) => (await hubEnvironment(variables)).token;

const modules = (...paths: unknown[]): string => JSON.stringify(paths.map((path, idx) => ({ idx, path, type: "x" })));

describe("proxies", () => {
  test.each(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])("%s is taken", async (variable) => {
    await start();
    using proxy = await startProxy();
    process.env["HF_ENDPOINT"] = "http://hub.test";
    process.env[variable] = proxy.url;
    const folder = await resolveModelFolder(name);
    expect(reads(folder, "model.safetensors")).toBe("weights");
    expect(proxy.seen.length).toBeGreaterThanOrEqual(4);
    expect(proxy.seen.every((url) => url.includes("hub.test"))).toBe(true);
  });

  test("NO_PROXY names hosts that are reached without", async () => {
    await start();
    using proxy = await startProxy();
    Object.assign(process.env, { HTTP_PROXY: proxy.url, NO_PROXY: "127.0.0.1" });
    await resolveModelFolder(name);
    expect(proxy.seen).toEqual([]);
  });

  test("that do not answer are named, without their password", async () => {
    await start();
    process.env["HTTP_PROXY"] = "http://user:secret@127.0.0.1:9";
    const error = (await resolveModelFolder(name).catch((thrown: unknown) => thrown)) as Error;
    expect(error).toBeInstanceOf(ModelNotFoundError);
    expect(error.message).toMatch(/through the proxy 127.0.0.1:9/);
    expect(error.message).not.toContain("secret");
  });

  test("are told apart by scheme; lower case first, an empty one is none", () => {
    expect(proxiesFrom({ HTTPS_PROXY: "proxy:3128", https_proxy: "" })).toMatchObject({
      httpsProxy: "http://proxy:3128/",
    });
    expect(proxiesFrom({ HTTP_PROXY: "http://a", http_proxy: "http://b", ALL_PROXY: "http://c" })).toEqual({
      httpProxy: "http://b/",
      httpsProxy: "http://c/",
      noProxy: "",
    });
    expect(proxiesFrom({ NO_PROXY: "*", HTTP_PROXY: "" })).toBeUndefined();
    expect(() => proxiesFrom({ ALL_PROXY: "socks5://user:secret@host" })).toThrow(
      "expected proxies as http://HOST:PORT, got one with socks5:",
    );
  });
});

describe("tokens", () => {
  test("of a mirror are sent as they are", async () => {
    await start(files, { token: "jfrog-token" });
    process.env["HF_TOKEN"] = "jfrog-token";
    expect(reads(await resolveModelFolder(name), "config.json")).toBe("{}");
  });

  test("that a login left are used", async () => {
    await start(files, { token: "hf_login" });
    writeFileSync(join(home, "token"), "hf_login\n");
    expect(reads(await resolveModelFolder(name), "config.json")).toBe("{}");
  });

  test("are found in the order of huggingface_hub", async () => {
    writeFileSync(join(home, "token"), "file\n");
    writeFileSync(join(home, "other"), "  other ");
    const elsewhere = { HF_HOME: home, HF_TOKEN_PATH: join(home, "other") };
    expect(await token({ HF_HOME: home })).toBe("file");
    expect(await token(elsewhere)).toBe("other");
    expect(await token({ ...elsewhere, HUGGING_FACE_HUB_TOKEN: "older" })).toBe("older");
    expect(await token({ ...elsewhere, HUGGING_FACE_HUB_TOKEN: "older", HF_TOKEN: "newer" })).toBe("newer");
    expect(await token({ HF_HOME: home, HF_TOKEN: "" })).toBe("file");
    expect(await token({ HF_HOME: join(home, "nothing") })).toBeUndefined();
  });

  test("that cannot be one are refused without being shown", async () => {
    process.env["HF_TOKEN"] = "sec\nret";
    const error = (await resolveModelFolder(name).catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).toMatch(/expected a token of visible ASCII characters/);
    expect(error.message).not.toContain("ret)");
  });
});

describe("places", () => {
  test("~ is the home folder", async () => {
    expect(expandHome("~/models")).toBe(join(homedir(), "models"));
    expect(expandHome("a~b")).toBe("a~b");
    expect(cachePath({ HF_HOME: "~/hf" })).toBe(join(homedir(), "hf", "hub"));
    expect(cachePath({ HF_HUB_CACHE: "~/hub", HUGGINGFACE_HUB_CACHE: "/older" })).toBe(join(homedir(), "hub"));
    expect(cachePath({ HUGGINGFACE_HUB_CACHE: "/older", HF_HOME: "/home" })).toBe("/older");
    expect(cachePath({ XDG_CACHE_HOME: "/xdg" })).toBe("/xdg/huggingface/hub");
    expect(cachePath({})).toBe(join(homedir(), ".cache/huggingface/hub"));
    process.env["HOME"] = home;
    mkdirSync(join(home, "model"));
    expect(await resolveModelFolder("~/model")).toBe(join(home, "model"));
  });

  test("that may not be read or written are named with EACCES", async ({ skip }) => {
    const { getuid, seteuid } = process;
    if (!getuid || !seteuid) return skip("no users here");
    const closed = join(home, "closed");
    mkdirSync(closed, { mode: 0 });
    chmodSync(home, 0o755);
    await start();
    const wasRoot = getuid() === 0;
    if (wasRoot) seteuid(65_534);
    try {
      await expect(resolveModelFolder(join(closed, "model"))).rejects.toThrow(/allowed to read .*model, got EACCES/);
      process.env["HF_HUB_CACHE"] = join(closed, "hub");
      await expect(resolveModelFolder(name)).rejects.toThrow(/cannot write .*EACCES: permission denied/);
      process.env["HF_HUB_OFFLINE"] = "1";
      await expect(resolveModelFolder(name)).rejects.toThrow(/allowed to read .*config.json, got EACCES/);
    } finally {
      if (wasRoot) seteuid(0);
    }
  });

  test("HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE forbid to ask", async () => {
    expect(offlineVariable({ HF_HUB_OFFLINE: "0", TRANSFORMERS_OFFLINE: "YES" })).toBe("TRANSFORMERS_OFFLINE");
    expect(offlineVariable({ TRANSFORMERS_OFFLINE: "" })).toBeUndefined();
    await start();
    process.env["TRANSFORMERS_OFFLINE"] = "1";
    await expect(resolveModelFolder(name)).rejects.toThrow(/TRANSFORMERS_OFFLINE is set, and .* is not in the cache/);
    expect(hub.requests).toEqual([]);
  });

  test.each(["../../x", "a/../b", "..", "/x", "-x", "a b", "a\\b", "a//b", ".git", "a/"])(
    "%j is no revision",
    async (revision) => {
      await start();
      await expect(resolveModelFolder(name, { revision })).rejects.toThrow(/expected the name of a branch/);
      expect(hub.requests).toEqual([]);
    },
  );

  test.each(["main", "refs/pr/3", "v1.0", "größe", commit])("%j may be one", async (revision) => {
    await start();
    await resolveModelFolder(name, { revision }).catch(() => {}); // the hub has main only
    expect(hub.requests[0]).toBe(`GET /api/models/${name}/revision/${encodeURIComponent(revision)}`);
  });
});

describe("files", () => {
  test("that modules.json names come, wherever they are", async () => {
    const named = ["", "pool", "a/2_Dense", "../outside", "/root", "missing", 3];
    await start({
      ...files,
      "modules.json": modules(...named),
      "pool/config.json": "pooling",
      "a/2_Dense/config.json": "dense",
      "other/config.json": "not wanted",
    });
    const folder = await resolveModelFolder(name);
    expect(reads(folder, "pool/config.json")).toBe("pooling");
    expect(reads(folder, "a/2_Dense/config.json")).toBe("dense");
    expect(existsSync(join(folder, "other"))).toBe(false);
  });

  const index = JSON.stringify({ weight_map: { a: "w/1.safetensors", b: "w/2.safetensors", c: "w/1.safetensors" } });

  test("of sharded weights come from subfolders; a copy is whole with all of them", async () => {
    await start({
      "config.json": "{}",
      "model.safetensors.index.json": index,
      "w/1.safetensors": "one",
      "w/2.safetensors": "two",
      "model-unused.safetensors": "not wanted",
    });
    const folder = await resolveModelFolder(name);
    expect([reads(folder, "w/1.safetensors"), reads(folder, "w/2.safetensors")]).toEqual(["one", "two"]);
    expect(existsSync(join(folder, "model-unused.safetensors"))).toBe(false);
    process.env["HF_HUB_OFFLINE"] = "1";
    expect(await resolveModelFolder(name)).toBe(folder);
    rmSync(join(folder, "w/2.safetensors"));
    await expect(resolveModelFolder(name)).rejects.toThrow(/not in the cache/);
  });

  test("that an index names and the repository lacks are missed before anything large comes", async () => {
    await start({ "config.json": "{}", "model.safetensors.index.json": index, "w/1.safetensors": "one" });
    await expect(resolveModelFolder(name)).rejects.toThrow(/expected w\/2.safetensors in .*index.json says, got no/);
    expect(hub.requests.some((request) => request.endsWith("1.safetensors"))).toBe(false);
  });

  test("without weights are refused before any of them comes", async () => {
    await start({ "config.json": "{}", "pytorch_model.bin": "x" });
    await expect(resolveModelFolder(name)).rejects.toThrow("somebody/tiny@main has no safetensors files");
    expect(hub.requests.some((request) => request.includes("/resolve/"))).toBe(false);
  });
});
