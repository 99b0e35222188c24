/** Files of the hub on a bad line: what is resumed, tried again, shown and cleaned up. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hubEnvironment } from "../src/hub/environment.ts";
import { written } from "../src/hub/errors.ts";
import { connect } from "../src/hub/connection.ts";
import { takePartial, sweepPartials } from "../src/hub/partial-file.ts";
import { retryAfterMs } from "../src/hub/retry.ts";
import { transfer } from "../src/hub/transfer.ts";
import type { OnBytes } from "../src/hub/transfer.ts";
import { openModel, resolveModelFolder } from "../src/index.ts";
import { commit, startFakeHub } from "./support/fake-hub.ts";
import type { FakeHub } from "./support/fake-hub.ts";

const name = "somebody/tiny";
const path = "model.safetensors";
const weights = Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * 2654435761) >>> 24);
const hash = createHash("sha256").update(weights).digest("hex");
const half = weights.length / 2;

let blobs: string;
let hub: FakeHub;
let seen: number[];

beforeEach(async () => {
  blobs = mkdtempSync(join(tmpdir(), "modernbert-transfer-"));
  seen = [];
  hub = await startFakeHub({ name, files: new Map([[path, weights]]), large: [path] });
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  rmSync(blobs, { recursive: true, force: true });
});

async function bring(variables: Record<string, string> = {}, onBytes: OnBytes = () => {}): Promise<void> {
  const connection = await connect(await hubEnvironment({ HF_ENDPOINT: hub.url, HF_HOME: blobs, ...variables }));
  const url = `${hub.url}/${name}/resolve/${commit}/${path}`;
  const file = { path, size: weights.length, hash };
  await transfer({ connection, url, file }, join(blobs, hash), (bytes) => {
    seen.push(bytes);
    onBytes(bytes);
  });
}

const partials = (): string[] => readdirSync(blobs).filter((file) => file.endsWith(".partial"));
const arrived = (): boolean => readFileSync(join(blobs, hash)).equals(weights) && partials().length === 0;
/** What was asked for: the first byte of each request. */
const starts = (): number[] => hub.requests.map((request) => Number(/bytes=(\d+)-/.exec(request)?.[1] ?? 0));

/** A partial file of an earlier try. */
const left = (owner: string, content: Uint8Array): void =>
  writeFileSync(join(blobs, `${hash}${owner}.partial`), content);

/** Ends the connection when the first half of what was asked for has arrived: no byte is lost on the way. */
function cutInTheMiddle(bytes: number): void {
  const start = starts().at(-1)!;
  if (bytes === start + Math.floor((weights.length - start) / 2)) hub.disconnect();
}

describe("a lost connection", () => {
  test("that is cut is taken up where it broke off", async () => {
    hub.faults.set(path, { kind: "stall", times: 1 });
    await bring({}, cutInTheMiddle);
    expect(arrived()).toBe(true);
    expect(starts()).toEqual([0, half]);
  });

  test("that falls silent is taken up where it did", async () => {
    hub.faults.set(path, { kind: "stall", times: 1 });
    await bring({ HF_HUB_DOWNLOAD_TIMEOUT: "2" });
    expect(arrived()).toBe(true);
    expect(starts()).toEqual([0, half]);
  });

  test("goes on as long as bytes come", async () => {
    hub.faults.set(path, { kind: "stall", times: 8 });
    await bring({}, cutInTheMiddle);
    expect(arrived()).toBe(true);
    expect(hub.requests).toHaveLength(9);
  });

  test("begins anew where the hub sends no parts, and ends when that gets no further", async () => {
    hub.withoutRanges = true;
    hub.faults.set(path, { kind: "cut", times: 1 });
    await bring();
    expect(arrived()).toBe(true);
    rmSync(join(blobs, hash));
    hub.faults.set(path, { kind: "cut" });
    await expect(bring()).rejects.toThrow(/terminated|closed|aborted/);
    expect(existsSync(join(blobs, hash))).toBe(false);
  });

  test("falls silent for HF_HUB_DOWNLOAD_TIMEOUT seconds at most", async () => {
    hub.withoutRanges = true;
    hub.faults.set(path, { kind: "stall" });
    await expect(bring({ HF_HUB_DOWNLOAD_TIMEOUT: "0.2" })).rejects.toThrow("nothing came for 0.2 s");
  });
});

describe("a hub that is busy", () => {
  test.each([429, 500, 503])("with status %i is asked again", async (kind) => {
    hub.faults.set(path, { kind, times: 2 });
    await bring();
    expect(arrived()).toBe(true);
    expect(hub.requests).toHaveLength(3);
  });

  test("and wants more patience than a person has is left alone", async () => {
    hub.faults.set(path, { kind: 429, headers: { "retry-after": "3600", "x-error-message": "Slow\tdown" } });
    await expect(bring()).rejects.toThrow("status 429: Slow down");
    expect(hub.requests).toHaveLength(1);
  });

  test("says when to come back, in seconds or as a date", () => {
    const now = Date.parse("2026-11-28T00:00:00Z");
    expect(retryAfterMs("7")).toBe(7000);
    expect(retryAfterMs("Sat, 28 Nov 2026 00:00:05 GMT", now)).toBe(5000);
    expect(retryAfterMs("Fri, 27 Nov 2026 00:00:00 GMT", now)).toBe(0);
    expect(retryAfterMs("soon")).toBeUndefined();
  });

  test("that refuses is not asked again", async () => {
    hub.faults.set(path, { kind: 404 });
    await expect(bring()).rejects.toThrow("status 404: Come back later");
    expect(hub.requests).toHaveLength(1);
  });
});

describe("partial files", () => {
  const dead = 2 ** 22 + 1;

  test.each(["", `.${hostname()}.${dead}.0123abcd`])("of nobody (%j) are gone on with", async (owner) => {
    left(owner, weights.subarray(0, 1000));
    await bring();
    expect(arrived()).toBe(true);
    expect(starts()).toEqual([1000]);
    expect(seen[0]).toBe(1000);
  });

  test.each([`.${hostname()}.${process.pid}.0123abcd`, `.elsewhere.${dead}.0123abcd`])(
    "of a process that may be at work (%j) are left alone",
    async (owner) => {
      left(owner, weights.subarray(0, 1000));
      await bring();
      expect(readFileSync(join(blobs, hash)).equals(weights)).toBe(true);
      expect(partials()).toHaveLength(1);
      expect(starts()).toEqual([0]);
    },
  );

  test.each([
    ["damaged", weights.subarray(0, 1000).map((byte) => byte ^ 1)],
    ["too long", new Uint8Array(weights.length + 1)],
    ["whole", weights],
  ])("that are %s end well", async (_, content) => {
    left("", content);
    await bring();
    expect(arrived()).toBe(true);
  });

  test("are swept away when no try would want them", async () => {
    const old = new Date(Date.now() - 8 * 86_400_000);
    left(`.${hostname()}.${dead}.0123abcd`, weights.subarray(0, 10));
    const other = `${"b".repeat(40)}.partial`;
    for (const file of [other, `.${"c".repeat(40)}.0123abcd.tmp`, "not-ours"]) {
      writeFileSync(join(blobs, file), "x");
      utimesSync(join(blobs, file), old, old);
    }
    writeFileSync(join(blobs, `${"d".repeat(40)}.partial`), "x");
    await sweepPartials(blobs);
    const kept = [`${hash}.${hostname()}.${dead}.0123abcd.partial`, `${"d".repeat(40)}.partial`, "not-ours"];
    expect(readdirSync(blobs).toSorted()).toEqual(kept.toSorted());
    writeFileSync(join(blobs, hash), weights);
    await sweepPartials(blobs);
    expect(partials()).toEqual([`${"d".repeat(40)}.partial`]);
  });

  test("have one taker", async () => {
    left("", weights.subarray(0, 10));
    await Promise.all([takePartial(blobs, hash), takePartial(blobs, hash)]);
    expect(partials()).toHaveLength(1);
  });
});

describe("a whole download", () => {
  const files = new Map<string, Uint8Array>([
    ["model.safetensors", new Uint8Array(40_000_000)],
    ["config.json", Buffer.from("{}")],
    ["tokenizer.json", Buffer.from("[]")],
  ]);
  let notices: string[];
  const inherited = { ...process.env };

  beforeEach(async () => {
    notices = [];
    await hub[Symbol.asyncDispose]();
    hub = await startFakeHub({ name, files, large: ["model.safetensors"] });
    for (const key of Object.keys(process.env)) if (/^HF_|_proxy$/i.test(key)) delete process.env[key];
    Object.assign(process.env, { HF_ENDPOINT: hub.url, HF_HOME: blobs });
  });
  afterEach(() => {
    for (const key of Object.keys(process.env)) delete process.env[key];
    Object.assign(process.env, inherited);
  });

  test("says how far a large file is, and asks for what is small first", async () => {
    await resolveModelFolder(name, { onNotice: (notice) => void notices.push(notice) });
    expect(notices.map((notice) => notice.replace("downloading somebody/tiny/", ""))).toEqual([
      "config.json (0.0 MB)",
      "tokenizer.json (0.0 MB)",
      "model.safetensors (40 MB)",
      ...[10, 20, 30, 40, 50, 60, 70, 80, 90, 100].map((percent) => `model.safetensors (${percent} % of 40 MB)`),
    ]);
  });

  test("of a model that the caller refuses brings no weights", async () => {
    const wrong = new Error("not this one");
    const check = async (folder: string): Promise<void> => {
      expect(readdirSync(folder)).toEqual(["config.json", "tokenizer.json"]);
      throw wrong;
    };
    await expect(resolveModelFolder(name, { check })).rejects.toBe(wrong);
    expect(hub.requests.some((request) => request.includes("safetensors"))).toBe(false);
  });

  test("of a kind of model that is not implemented brings no weights", async () => {
    await expect(openModel(name, { backend: "cpu" })).rejects.toThrow(/expected model_type to be "modernbert"/);
    expect(hub.requests.some((request) => request.includes("safetensors"))).toBe(false);
  });

  test("into a place that is no folder says so", async () => {
    const file = join(blobs, "file");
    writeFileSync(file, "");
    process.env["HF_HUB_CACHE"] = file;
    await expect(resolveModelFolder(name)).rejects.toThrow(
      /cannot write .*ENOTDIR.*HF_HUB_CACHE and HF_HOME say where models are kept/,
    );
  });

  test("without permission says so", async () => {
    const refused = written("/cache/blob", Promise.reject(Object.assign(new Error("x"), { code: "EACCES" })));
    await expect(refused).rejects.toThrow(/cannot write \/cache\/blob: EACCES: permission denied.*HF_HUB_CACHE/);
  });
});
