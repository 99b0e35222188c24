/** `prepare` in pieces: workers, kills, damage, the other output format. Workers cannot run TypeScript, so those run as built. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tokenizer } from "@modernbert-ts/tokenizer";
import { openTokenShards, TextSource } from "@modernbert-ts/training";
import { beforeAll, expect, test } from "vitest";
import { prepare } from "../src/commands/prepare.ts";
import type { PrepareOptions } from "../src/prepare/options.ts";
import { WorkFolder } from "../src/prepare/work-folder.ts";
import { start } from "./command-line.ts";
import { corpusText, temporaryFolder } from "./support.ts";

const documents = 1500;

function corpus(folder: string): string {
  const path = join(folder, "corpus.txt");
  fs.writeFileSync(path, corpusText(documents));
  return path;
}

/** Every file below a folder by name, as a hash; not the one that names the texts, which lie elsewhere each time. */
function contents(folder: string): Record<string, string> {
  const names = fs.readdirSync(folder, { recursive: true }).map(String).sort();
  const files = names.filter((name) => name !== "sources.json" && fs.statSync(join(folder, name)).isFile());
  return Object.fromEntries(
    files.map((name) => [
      name,
      createHash("sha256")
        .update(fs.readFileSync(join(folder, name)))
        .digest("hex"),
    ]),
  );
}

function options(folder: string, changes: Partial<PrepareOptions> = {}): PrepareOptions & { notices: string[] } {
  const notices: string[] = [];
  return {
    inputs: [corpus(folder)],
    output: join(folder, "data"),
    tokenizer: "modernbert",
    vocabSize: 8192,
    validation: 0.1,
    seed: 1,
    split: "blank-line",
    field: "text",
    shardTokens: 2000,
    onNotice: (line) => notices.push(line),
    notices,
    ...changes,
  };
}

function commandLine(folder: string, workers: number): string[] {
  const settings = ["--output", join(folder, "data"), "--split", "blank-line", "--validation", "0.1", "--seed", "1"];
  return ["prepare", corpus(folder), ...settings, "--shard-tokens", "2000", "--workers", String(workers)];
}

/** What one call without interruption gives. */
let whole: Record<string, string>;

beforeAll(async () => {
  const folder = fs.mkdtempSync(join(tmpdir(), "modernbert-prepare-"));
  const settings = options(folder);
  await prepare(settings);
  whole = contents(settings.output);
  fs.rmSync(folder, { recursive: true });
});

test("any number of workers gives the same bytes, and a SIGKILL at any point is gone on from", async () => {
  expect(Object.keys(whole).filter((name) => name.endsWith(".bin")).length).toBeGreaterThan(10);
  const alone = temporaryFolder();
  expect((await start(commandLine(alone, 3)).finished).code).toBe(0);
  expect(contents(join(alone, "data"))).toEqual(whole);
  const folder = temporaryFolder();
  const journal = join(folder, "data.preparing", "journal.jsonl");
  let kills = 0;
  for (const shards of [4]) {
    const running = start(commandLine(folder, 1));
    const look = setInterval(() => {
      const lines = fs.existsSync(journal) ? fs.readFileSync(journal, "utf8").split("\n").length - 1 : 0;
      if (lines >= shards) running.process.kill("SIGKILL");
    }, 1);
    const { signal } = await running.finished;
    clearInterval(look);
    if (signal === "SIGKILL") kills++;
    expect(fs.existsSync(join(folder, "data"))).toBe(signal === null);
  }
  const last = await start(commandLine(folder, 2)).finished;
  expect(last.code).toBe(0);
  if (kills > 0) expect(last.stderr).toMatch(/going on behind \d+ finished shards/);
  expect(contents(join(folder, "data"))).toEqual(whole);
  expect(fs.readdirSync(folder).sort()).toEqual(["corpus.txt", "data"]);
});

test("names of special tokens in a text are text, by any number of workers", async () => {
  const folder = temporaryFolder();
  const text = join(folder, "specials.jsonl");
  const said = "a [MASK] and a [SEP], [CLS] [PAD] too";
  fs.writeFileSync(text, `${JSON.stringify({ text: said })}\n`.repeat(3));
  for (const workers of [0, 1]) {
    const output = join(folder, `data-${workers}`);
    const settings = ["--output", output, "--validation", "0", "--workers", String(workers)];
    expect((await start(["prepare", text, ...settings]).finished).code).toBe(0);
    const tokenizer = Tokenizer.fromJSON(fs.readFileSync(join(output, "tokenizer.json"), "utf8"));
    const store = openTokenShards(join(output, "train"));
    const ids = new Int32Array(store.documentLength(2));
    store.copyDocument(2, 0, ids.length, ids, 0);
    const special: readonly (number | undefined)[] = Object.values(tokenizer.specialTokens);
    expect(ids.slice(1, -1).filter((id) => special.includes(id))).toHaveLength(0);
    expect(tokenizer.decode(ids)).toBe(said);
  }
});

/** Stops a call once so many documents are done. */
async function stopAfter(settings: PrepareOptions, count: number): Promise<void> {
  const stopping = new AbortController();
  const onProgress = ({ documents: done }: { documents: number }): void => void (done >= count && stopping.abort());
  expect(await prepare({ ...settings, signal: stopping.signal, onProgress })).toBe("stopped");
}

test("a shard that was damaged in between is made again, and those behind it", async () => {
  const settings = options(temporaryFolder());
  await stopAfter(settings, 900);
  const shard = join(`${settings.output}.preparing`, "train", "shard-00002.bin");
  const bytes = fs.readFileSync(shard);
  bytes[5]! ^= 1;
  fs.writeFileSync(shard, bytes);
  await prepare(settings);
  expect(settings.notices.join("\n")).toMatch(/damaged \(shard-00002.bin\): going on behind 2 of \d+/);
  expect(contents(settings.output)).toEqual(whole);
});

test("what other settings began is removed, and said so; one process at a time", async () => {
  const settings = options(temporaryFolder());
  await stopAfter(settings, 900);
  const other = { ...settings, seed: 2 };
  await prepare(other);
  expect(settings.notices.join("\n")).toContain("held what other texts or settings had begun: it was removed");
  fs.rmSync(settings.output, { recursive: true });
  await stopAfter(settings, 900);
  const onProgress = (): void =>
    expect(() => new WorkFolder(settings.output)).toThrow(/data.preparing is in use by process \d+/);
  expect(await prepare({ ...settings, onProgress })).toBe("written");
});

test("stopped before a shard is finished, and refused for its texts, it leaves nothing", async () => {
  const folder = temporaryFolder();
  await stopAfter(options(folder), 3);
  expect(fs.readdirSync(folder)).toEqual(["corpus.txt"]);
  const bad = join(folder, "bad.jsonl");
  const lines = Array.from({ length: 900 }, (_, at) => JSON.stringify({ text: `document ${at} of many words` }));
  fs.writeFileSync(bad, [...lines, "{"].join("\n"));
  await expect(prepare(options(folder, { inputs: [bad], shardTokens: 500 }))).rejects.toThrow(`${bad}:901`);
  expect(fs.readdirSync(folder).sort()).toEqual(["bad.jsonl", "corpus.txt"]);
  const settings = options(folder, { inputs: [bad], badRecords: "skip" });
  await prepare(settings);
  expect(settings.notices.join("\n")).toContain("1 records that cannot be read were passed over");
});

test("MDS holds the same documents, and reads back", async () => {
  const shards = options(temporaryFolder());
  await prepare(shards);
  const mds = options(temporaryFolder(), { outputFormat: "mds" });
  await prepare(mds);
  expect(await prepare(mds)).toBe("up to date");
  for (const part of ["train", "validation"]) {
    const expected = openTokenShards(join(shards.output, part));
    const folder = join(mds.output, part);
    const found: number[][] = [];
    // The reader asks for texts; ids are what is wrong with these records.
    const source = new TextSource(folder, { field: "input_ids", badRecords: "skip" });
    for await (const { text } of source) found.push(JSON.parse(text) as number[]);
    expect(source.report.badRecords).toBe(expected.documents);
    const index = JSON.parse(fs.readFileSync(join(folder, "index.json"), "utf8")) as MdsIndex;
    const ids = index.shards.flatMap((shard) => readMds(join(folder, shard.raw_data.basename)));
    expect(ids.length).toBe(expected.documents);
    for (const [at, values] of ids.entries()) {
      const target = new Int32Array(expected.documentLength(at));
      expected.copyDocument(at, 0, target.length, target, 0);
      expect(values).toEqual([...target]);
    }
  }
});

interface MdsIndex {
  readonly shards: readonly { readonly raw_data: { readonly basename: string } }[];
}

/** By hand, as MosaicML's format says: samples behind their offsets, each a size, then an array with its own shape. */
function readMds(path: string): number[][] {
  const data = fs.readFileSync(path);
  return Array.from({ length: data.readUInt32LE(0) }, (_, at) => {
    const [begin, end] = [data.readUInt32LE(4 + 4 * at), data.readUInt32LE(8 + 4 * at)];
    expect(data.readUInt32LE(begin)).toBe(end - begin - 4);
    const shape = data[begin + 4]!;
    expect(shape >> 2).toBe(1);
    const width = 2 ** (shape & 3);
    const length = data.readUIntLE(begin + 5, width);
    const ids = [...new Uint16Array(Uint8Array.from(data.subarray(begin + 5 + width, end)).buffer)];
    expect(begin + 5 + width + 2 * length).toBe(end);
    return ids;
  });
}
