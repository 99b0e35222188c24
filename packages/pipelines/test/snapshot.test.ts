/** Snapshots of the cache that lack files: brought with a connection, told by name without. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { embed, embedSequences, fillMask, openFolder, openPipeline } from "../src/index.ts";
import type { Pipeline } from "../src/index.ts";
import { commit, startFakeHub } from "./support/fake-hub.ts";
import type { FakeHub } from "./support/fake-hub.ts";
import { saveTinyModel } from "./support/tiny-model.ts";

const name = "somebody/tiny";
const type = "sentence_transformers.models";
/** Settings of a model of sentence-transformers whose vectors are no means. */
const sentenceFiles: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  [
    "modules.json",
    [
      { type: `${type}.Transformer`, path: "" },
      { type: `${type}.Pooling`, path: "1_Pooling" },
    ],
  ],
  ["1_Pooling/config.json", { pooling_mode: "cls" }],
  ["config_sentence_transformers.json", { prompts: { query: "q: " } }],
]);

let home: string;
let hub: FakeHub;
let notices: string[];
const inherited = { ...process.env };

/** The snapshot that transformers leaves: no file of sentence-transformers. */
let snapshot: string;
const marks = (): string => join(snapshot, "../../.no_exist", commit);

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "modernbert-snapshot-"));
  notices = [];
  const cache = join(home, "hub/models--somebody--tiny");
  snapshot = join(cache, "snapshots", commit);
  await saveTinyModel(snapshot);
  mkdirSync(join(cache, "refs"));
  writeFileSync(join(cache, "refs/main"), commit);
  const files = new Map<string, Uint8Array>(
    readdirSync(snapshot).map((file) => [file, new Uint8Array(readFileSync(join(snapshot, file)))]),
  );
  for (const [file, content] of sentenceFiles) files.set(file, Buffer.from(JSON.stringify(content)));
  hub = await startFakeHub({ name, files });
  Object.assign(process.env, { HF_HOME: home, HF_ENDPOINT: hub.url });
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
  process.env = { ...inherited };
});

function touch(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "[]");
}

const open = (source: string): Promise<Pipeline> =>
  openPipeline(source, { backend: "cpu", cpuEngine: "typescript", onNotice: (notice) => void notices.push(notice) });
const told = (): string[] => notices.filter((notice) => notice.includes("lacks files"));

describe("with a connection", () => {
  test("what the snapshot lacks is brought, and what the repository lacks is marked as Python does", async () => {
    await using pipeline = await open(name);
    for (const file of sentenceFiles.keys()) expect(existsSync(join(snapshot, file))).toBe(true);
    expect(readdirSync(marks())).toContain("sentence_bert_config.json");
    expect(readdirSync(marks())).not.toContain("modules.json");
    const found = await embed(pipeline, ["the cat"]);
    expect(found).toEqual(await embed(pipeline, ["the cat"], { pooling: "cls" }));
    process.env["HF_HUB_OFFLINE"] = "1";
    await using again = await open(name);
    expect(await embed(again, ["the cat"])).toEqual(found);
    expect(told()).toEqual([]);
  });
});

describe("without a connection", () => {
  beforeEach(() => void (process.env["HF_HUB_OFFLINE"] = "1"));

  test("vectors are made with a notice that names files, assumptions and the repair; once", async () => {
    await using pipeline = await open(name);
    expect(told()).toEqual([]);
    await embed(pipeline, ["the cat"]);
    await embed(pipeline, ["sat"]);
    await embedSequences(pipeline, [Int32Array.of(2, 9, 3)]);
    expect(told()).toEqual([
      `the copy ${snapshot} lacks files that the model may have, vectors are made as without them: modules.json (no Normalize), 1_Pooling/config.json (pooling mean), config_sentence_transformers.json (no prompts, all dimensions), sentence_bert_config.json (the longest text of config.json, upper case kept); open the model by its hub id once with a connection to bring them`,
    ]);
  });

  test("masks are filled without one", async () => {
    await using pipeline = await open(name);
    await fillMask(pipeline, ["the [MASK]"]);
    expect(told()).toEqual([]);
  });

  test("the snapshot's path says the same as the hub id", async () => {
    await using pipeline = await open(`${snapshot}/`);
    await embed(pipeline, ["the cat"]);
    expect(told()).toHaveLength(1);
  });

  test("a folder that is no snapshot is complete as it is", async () => {
    const local = join(home, "local");
    cpSync(snapshot, local, { recursive: true });
    await using pipeline = await open(local);
    expect(await embed(pipeline, ["the cat"])).toEqual(await embed(pipeline, ["the cat"], { pooling: "mean" }));
    expect(told()).toEqual([]);
  });

  test.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ["modules.json is marked", [], ["modules.json"], []],
    ["modules.json is there", ["modules.json"], [], ["config_sentence_transformers.json", "sentence_bert_config.json"]],
    ["others are marked", ["modules.json"], ["config_sentence_transformers.json", "sentence_bert_config.json"], []],
    [
      "pooling is there without modules.json",
      ["1_Pooling/config.json"],
      ["sentence_bert_config.json"],
      ["modules.json", "config_sentence_transformers.json"],
    ],
  ])("%s", async (_, present, marked, uncertain) => {
    for (const file of present) touch(join(snapshot, file));
    for (const file of marked) touch(join(marks(), file));
    expect((await openFolder(snapshot)).uncertain ?? []).toEqual(uncertain);
  });
});
