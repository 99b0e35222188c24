/** The formats that documents come in, and what is wrong with files. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { TextSource } from "../src/index.ts";
import type { TextSourceOptions } from "../src/index.ts";
import { temporaryFolder } from "./data-fixtures.ts";

async function texts(paths: string | readonly string[], options?: TextSourceOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const { text } of new TextSource(paths, options)) found.push(text);
  return found;
}

function file(name: string, data: string | Uint8Array): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, data);
  return path;
}

/** A Zstandard frame of blocks that are stored as they are. */
function zstd(bytes: Buffer): Buffer<ArrayBuffer> {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.length);
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0]), size];
  for (let at = 0; at === 0 || at < bytes.length; at += 1 << 16) {
    const block = bytes.subarray(at, at + (1 << 16));
    const header = Buffer.alloc(3);
    header.writeUIntLE((block.length << 3) | (at + block.length >= bytes.length ? 1 : 0), 0, 3);
    parts.push(header, block);
  }
  return Buffer.concat(parts);
}

describe("compressed files", () => {
  const lines = Array.from({ length: 20_000 }, (_, at) => JSON.stringify({ text: `line ${at} é` })).join("\n");
  const want = Array.from({ length: 20_000 }, (_, at) => `line ${at} é`);

  test.each([
    ["a.jsonl.gz", gzipSync(lines)],
    ["a.jsonl.zst", zstd(Buffer.from(lines))],
    ["A.JSONL.GZ", gzipSync(lines)],
  ])("%s", async (name, data) => {
    expect(await texts(file(name, data))).toEqual(want);
  });

  test.each([
    ["cut.jsonl.gz", gzipSync(lines).subarray(0, 5000)],
    ["cut.jsonl.zst", zstd(Buffer.from(lines)).subarray(0, 5000)],
    ["empty.jsonl.gz", Buffer.alloc(0)],
    ["empty.jsonl.zst", Buffer.alloc(0)],
    ["none.txt.gz", Buffer.from("plain")],
    ["none.txt.zst", Buffer.from("plain")],
  ])("%s is refused by name", async (name, data) => {
    await expect(texts(file(name, data))).rejects.toThrow(
      new RegExp(`^\\[openBytes\\] expected a whole \\.(gz|zst) file, got .* in .*${name}; get it again$`),
    );
  });

  test("under a name that does not say so are not read as text", async () => {
    await expect(texts(file("a.txt", gzipSync("x")))).rejects.toThrow(
      /got a compressed file in .*a\.txt; name it .*a\.txt\.gz/,
    );
  });
});

describe("tables", () => {
  test("CSV: quotes, line ends inside fields, a byte order mark, any order of columns", async () => {
    const path = file("a.csv", '\ufeffid,text\r\n1,"one, ""quoted""\r\nand more"\r\n2,two\r\n');
    expect(await texts(path)).toEqual(['one, "quoted"\r\nand more', "two"]);
  });

  test("TSV has no quotes", async () => {
    expect(await texts(file("a.tsv", 'text\tn\nsay "hi\t1\n'))).toEqual(['say "hi']);
  });

  test("a record unlike the header is refused with its line, or counted and passed over", async () => {
    const path = file("a.csv", "id,text\n1,one\n2\n3,three\n");
    await expect(texts(path)).rejects.toThrow(
      /expected a record like the header, got .* at .*a\.csv:3; repair or remove it/,
    );
    const source = new TextSource(path, { badRecords: "skip" });
    const found: string[] = [];
    for await (const { text } of source) found.push(text);
    expect(found).toEqual(["one", "three"]);
    expect(source.report).toMatchObject({ badRecords: 1, badPlaces: [expect.stringContaining("a.csv:3") as string] });
  });

  test("Parquet, in groups of rows; one that is cut is refused by name", async () => {
    const data = Array.from({ length: 2500 }, (_, at) => `row ${at}`);
    const buffer = parquetWriteBuffer({ columnData: [{ name: "body", data, type: "STRING" }], rowGroupSize: 1000 });
    const path = file("a.parquet", new Uint8Array(buffer));
    expect(await texts(path, { field: "body" })).toEqual(data);
    await expect(texts(path)).rejects.toThrow('expected a string in field "text", got no such field (there is body)');
    const holed = new Uint8Array(buffer).fill(255, 4000, 4100);
    await expect(texts(file("holed.parquet", holed), { field: "body" })).rejects.toThrow(
      /expected a whole Parquet file, got .* in .*holed\.parquet; get it again/,
    );
    truncateSync(path, buffer.byteLength - 10);
    await expect(texts(path, { field: "body" })).rejects.toThrow(
      /expected a whole Parquet file, got .* in .*a\.parquet; get it again/,
    );
  });
});

/** MDS shards as MosaicML's Streaming writes them. */
function mds(compressed: boolean): string {
  const folder = temporaryFolder();
  const samples = ["one", "two é", "three"].map((text, at) => {
    const bytes = Buffer.from(text);
    const ids = Buffer.from(Uint16Array.from([5, 6 + at]).buffer);
    const array = Buffer.concat([Buffer.from([(1 << 2) | 0, 2]), ids]);
    const sizes = Buffer.alloc(8);
    sizes.writeUInt32LE(array.length, 0);
    sizes.writeUInt32LE(bytes.length, 4);
    const number = Buffer.alloc(8);
    number.writeBigInt64LE(BigInt(at));
    return Buffer.concat([sizes, array, number, bytes]);
  });
  const config = Buffer.from("{}");
  const header = Buffer.alloc(4 * (2 + samples.length));
  header.writeUInt32LE(samples.length, 0);
  let at = header.length + config.length;
  for (const [index, sample] of [...samples, Buffer.alloc(0)].entries()) {
    header.writeUInt32LE(at, 4 + 4 * index);
    at += sample.length;
  }
  const raw = Buffer.concat([header, config, ...samples]);
  const store = (basename: string, data: Buffer): object => {
    writeFileSync(join(folder, basename), data);
    return { basename, bytes: data.length, hashes: { sha1: createHash("sha1").update(data).digest("hex") } };
  };
  const zipped = compressed ? store("shard.00000.mds.zstd", zstd(raw)) : null;
  const shard = {
    column_encodings: ["ndarray:uint16", "int", "str"],
    column_names: ["input_ids", "n", "text"],
    column_sizes: [null, 8, null],
    compression: compressed ? "zstd:7" : null,
    format: "mds",
    hashes: ["sha1"],
    raw_data: compressed
      ? { basename: "shard.00000.mds", bytes: raw.length, hashes: {} }
      : store("shard.00000.mds", raw),
    samples: samples.length,
    size_limit: 1 << 26,
    version: 2,
    zip_data: zipped,
  };
  writeFileSync(join(folder, "index.json"), JSON.stringify({ shards: [shard], version: 2 }));
  return folder;
}

describe("MDS shards", () => {
  test.each([false, true])("compressed: %s", async (compressed) => {
    expect(await texts(mds(compressed))).toEqual(["one", "two é", "three"]);
  });

  test("that are not as their index says are refused", async () => {
    const folder = mds(false);
    const path = join(folder, "shard.00000.mds");
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    await expect(texts(folder)).rejects.toThrow(/got content with another sha1 in .*shard\.00000\.mds; get them again/);
    truncateSync(path, 20);
    await expect(texts(folder)).rejects.toThrow(/got 20 bytes instead of/);
  });
});

/** A file of each format with three texts. */
const writers: Readonly<Record<string, (values: readonly Buffer[]) => string | Uint8Array>> = {
  "a.csv": (values) => joined([Buffer.from("text"), ...values], "\n"),
  "a.jsonl": (values) =>
    joined(
      values.map((value) => joined([Buffer.from('{"text":"'), value, Buffer.from('"}')])),
      "\n",
    ),
  "a.parquet": (values) => {
    const data = values.map((value) => new Uint8Array(value));
    return new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "text", data, type: "BYTE_ARRAY" }] }));
  },
  "a.txt": (values) => joined(values, "\n\n"),
};

function joined(parts: readonly Buffer[], between = ""): Buffer {
  return Buffer.concat(parts.flatMap((part, at) => (at === 0 ? [part] : [Buffer.from(between), part])));
}

describe.each(Object.entries(writers))("what is no text, in %s", (name, write) => {
  const [one, two] = [Buffer.from("one"), Buffer.from("two")];

  test("a NUL is refused with its place, or that record is counted and passed over", async () => {
    const path = file(name, write([one, Buffer.from("a\0b"), two]));
    await expect(texts(path, { split: "blank-line" })).rejects.toThrow(
      new RegExp(`expected .*, got binary data \\(a NUL character\\) at ${path}:[23]; repair or remove it`),
    );
    const source = new TextSource(path, { split: "blank-line", badRecords: "skip" });
    const found: string[] = [];
    for await (const { text } of source) found.push(text);
    expect(found).toEqual(["one", "two"]);
    expect(source.report.badRecords).toBe(1);
  });

  test("invalid UTF-8 is replaced and counted", async () => {
    const path = file(name, write([one, Buffer.from([0x61, 0xff, 0xe2, 0x82, 0x62]), two]));
    const source = new TextSource(path, { split: "blank-line" });
    const found: string[] = [];
    for await (const { text } of source) found.push(text);
    expect(found).toEqual(["one", "a\ufffd\ufffdb", "two"]);
    expect([...source.report.replaced]).toEqual([[path, 2]]);
  });

  test("UTF-16 is refused by the name of the file", async () => {
    if (name.endsWith(".parquet")) return;
    const path = file(`${name}.gz`, gzipSync(Buffer.from("\ufefftext\n", "utf16le")));
    await expect(texts(path, { badRecords: "skip" })).rejects.toThrow(
      `expected text in UTF-8, got UTF-16 in ${path}; convert it or leave it out`,
    );
  });
});

test("characters across the borders of reads stay whole in CSV", async () => {
  const wanted = ["one", "€".repeat(400_000), "two"];
  const source = new TextSource(file("a.csv", ["text", ...wanted].join("\n")));
  const found: string[] = [];
  for await (const { text } of source) found.push(text);
  expect(found).toEqual(wanted);
  expect(source.report.replaced.size).toBe(0);
});

test("a quote that is never closed is refused with the line where it begins", async () => {
  const path = file("a.csv", 'id,text\n1,one\n2,"two\n3,three\n');
  await expect(texts(path)).rejects.toThrow(/expected a record like the header, got Quote Not Closed.* at .*a\.csv:/);
});

describe("which files", () => {
  test("globs, and each file once", async () => {
    const base = temporaryFolder();
    for (const name of ["b.txt", "a.txt", "c.jsonl"])
      writeFileSync(join(base, name), name === "c.jsonl" ? '{"text":"c"}' : name);
    expect(await texts(join(base, "*.txt"))).toEqual(["a.txt", "b.txt"]);
    const source = new TextSource([base, base, join(base, "a.txt")]);
    expect(source.files).toHaveLength(3);
    expect(source.report.repeatedFiles).toEqual([base, join(base, "a.txt")]);
    expect(() => new TextSource(join(base, "*.csv"))).toThrow(
      /expected files that fit .*\*\.csv, got none; check the pattern/,
    );
  });

  test("links that lead nowhere or in a circle, and pipes, are passed over in folders and refused by name", async () => {
    const base = temporaryFolder();
    writeFileSync(join(base, "a.txt"), "a");
    mkdirSync(join(base, "sub"));
    symlinkSync(join(base, "nowhere.txt"), join(base, "sub", "broken.txt"));
    symlinkSync("..", join(base, "sub", "up"));
    execFileSync("mkfifo", [join(base, "sub", "pipe.txt")]);
    const source = new TextSource(base);
    expect(source.files).toEqual([join(base, "a.txt")]);
    expect(source.report.skippedFiles).toEqual(["broken.txt", "pipe.txt"].map((name) => join(base, "sub", name)));
    expect(source.report.repeatedFiles).toEqual([join(base, "sub", "up")]);
    expect(() => new TextSource(join(base, "sub", "pipe.txt"))).toThrow(
      /expected a file or folder, got something else: .*pipe\.txt/,
    );
  });
});

test("a bad line among many is counted and passed over where that is asked for", async () => {
  const path = file("a.jsonl", ['{"text":"one"}', "{", '{"text":3}', '{"text":"a\0b"}', '{"text":"two"}'].join("\n"));
  const source = new TextSource(path, { badRecords: "skip" });
  const found: string[] = [];
  for await (const { text } of source) found.push(text);
  expect(found).toEqual(["one", "two"]);
  expect(source.report.badRecords).toBe(3);
  expect(source.report.badPlaces).toEqual([
    `${path}:2 (what is no JSON)`,
    `${path}:3 (3)`,
    `${path}:4 (binary data (a NUL character))`,
  ]);
});
