/** Datasets of the hub and files of the web, from a server on loopback that behaves badly. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { downloadDataset, downloadFile } from "../src/index.ts";
import { commit, startFakeHub } from "./support/fake-hub.ts";
import type { FakeHub } from "./support/fake-hub.ts";

const name = "somebody/texts";
const bytes = (seed: number): Uint8Array => Uint8Array.from({ length: 200_000 }, (_, at) => (at * seed) >>> 8);
const files = new Map([
  ["default/train/0000.parquet", bytes(3)],
  ["default/train/0001.parquet", bytes(5)],
  ["default/test/0000.parquet", bytes(7)],
  ["README.md", bytes(11)],
]);

let cache: string;
let hub: FakeHub;

async function begin(more: ReadonlyMap<string, Uint8Array> = new Map(), token?: string): Promise<void> {
  hub = await startFakeHub({
    name,
    kind: "datasets",
    revision: "refs/convert/parquet",
    files: new Map([...files, ...more]),
    large: [...files.keys()],
    ...(token === undefined ? {} : { token }),
  });
  vi.stubEnv("HF_ENDPOINT", hub.url);
}

const downloads = (): number => hub.requests.filter((request) => request.includes("/resolve/")).length;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "modernbert-datasets-"));
  vi.stubEnv("HF_HOME", cache);
  vi.stubEnv("HF_HUB_CACHE", "");
  vi.stubEnv("HF_TOKEN", "");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub[Symbol.asyncDispose]();
  rmSync(cache, { recursive: true, force: true });
});

test("the training split of a dataset is downloaded once, in order, and no more than it", async () => {
  await begin();
  const found = await downloadDataset({ name });
  expect(found.map((path) => path.split("/").slice(-3).join("/"))).toEqual([...files.keys()].slice(0, 2));
  for (const [at, path] of found.entries()) expect(readFileSync(path).equals([...files.values()][at]!)).toBe(true);
  expect(found[0]).toContain(join("hub", "datasets--somebody--texts", "snapshots", commit));
  expect(downloads()).toBe(2);
  expect(await downloadDataset({ name })).toEqual(found);
  expect(downloads()).toBe(2);
  expect((await downloadDataset({ name, split: "test" })).length).toBe(1);
});

test("what there is to choose from is named; a private dataset needs its token", async () => {
  await begin(new Map([["other/train/0000.parquet", bytes(13)]]), "secret");
  await expect(downloadDataset({ name })).rejects.toThrow(/status 401/);
  vi.stubEnv("HF_TOKEN", "secret");
  await expect(downloadDataset({ name })).rejects.toThrow("expected a configuration of default, other, got none");
  await expect(downloadDataset({ name, config: "default", split: "tset" })).rejects.toThrow(
    "expected a split of test, train, got tset",
  );
  expect((await downloadDataset({ name, config: "other" })).length).toBe(1);
});

test("a file of the web goes on where the connection broke, and is then kept", async () => {
  await begin();
  const path = "default/train/0000.parquet";
  const url = `${hub.url}/datasets/${name}/resolve/${commit}/${path}`;
  hub.faults.set(path, { kind: "cut", times: 1 });
  const file = await downloadFile(url);
  expect(readFileSync(file).equals(files.get(path)!)).toBe(true);
  expect(hub.requests.length).toBe(2);
  const start = Number(/bytes=(\d+)-/.exec(hub.requests[1]!)![1]);
  expect(start).toBeGreaterThan(0);
  const notices: string[] = [];
  expect(await downloadFile(url, (line) => notices.push(line))).toBe(file);
  expect(notices.join()).toContain("was downloaded before");
  expect(hub.requests.length).toBe(2);
});

test("a server that knows no ranges, and a transfer that is always cut: named, and nothing is left", async () => {
  await begin();
  const path = "default/test/0000.parquet";
  const url = `${hub.url}/datasets/${name}/resolve/${commit}/${path}`;
  hub.withoutRanges = true;
  hub.faults.set(path, { kind: "cut", times: 1 });
  const file = await downloadFile(url);
  expect(readFileSync(file).equals(files.get(path)!)).toBe(true);
  rmSync(file);
  hub.faults.set(path, { kind: 503, headers: { "retry-after": "0" } });
  await expect(downloadFile(url)).rejects.toThrow(/status 503/);
  hub.faults.set(path, { kind: 404 });
  await expect(downloadFile(url)).rejects.toThrow(/status 404/);
  expect(readdirSync(join(file, ".."))).toEqual([]);
  for (const last of ["..%2F", "%00", "%E0%A4"])
    await expect(downloadFile(`${hub.url}/${last}`)).rejects.toThrow(/status 404/);
});
