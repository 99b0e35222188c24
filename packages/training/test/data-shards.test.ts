import * as fc from "fast-check";
import fs from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { DataError, fileSha256, fingerprint, hasTokenShards, openTokenShards, TokenShardWriter } from "../src/index.ts";
import type { TokenShardReader } from "../src/index.ts";
import { temporaryFolder } from "./data-fixtures.ts";

const documents = [[1, 2, 3], [4], [999, 0, 5, 6, 7], [8, 9], [10, 11, 12, 13]];

function write(directory: string, content: readonly ArrayLike<number>[], options: object = {}): void {
  const writer = new TokenShardWriter({ directory, vocabSize: 1000, fingerprint: "f", ...options });
  for (const document of content) writer.add(document);
  writer.finish();
}

function read(reader: TokenShardReader, document: number): number[] {
  const target = new Int32Array(reader.documentLength(document));
  reader.copyDocument(document, 0, target.length, target, 0);
  return [...target];
}

function readAll(reader: TokenShardReader): number[][] {
  return Array.from({ length: reader.documents }, (_, document) => read(reader, document));
}

/** The DataError that an action throws. */
function failure(action: () => unknown): DataError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message).not.toContain("\n");
    return error as DataError;
  }
  throw new Error("expected an error");
}

afterEach(() => vi.restoreAllMocks());

describe("token shards", () => {
  test("come back as they were written, in any number of shards, in memory or from disk", () => {
    const base = temporaryFolder();
    let run = 0;
    const cases = fc.record({
      content: fc.array(fc.array(fc.nat(69_999), { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 30 }),
      shardTokens: fc.integer({ min: 1, max: 200 }),
      memoryLimit: fc.constantFrom(0, 100, 2 ** 30),
      wide: fc.boolean(),
    });
    fc.assert(
      fc.property(cases, ({ content, shardTokens, memoryLimit, wide }) => {
        const directory = join(base, String(run++));
        const expected = wide ? content : content.map((document) => document.map((id) => id % 2 ** 16));
        write(directory, expected, { vocabSize: wide ? 70_000 : 2 ** 16, shardTokens });
        const reader = openTokenShards(directory, { memoryLimit });
        expect(reader.manifest.dtype).toBe(wide ? "u32" : "u16");
        expect(reader.tokens).toBe(expected.flat().length);
        expect(readAll(reader)).toEqual(expected);
        if (memoryLimit === 0) expect(reader.residency()).toEqual({ residentBytes: 0, diskReads: expected.length });
        else if (memoryLimit > 100) expect(reader.residency().diskReads).toBe(0);
        else expect(reader.residency().residentBytes).toBeLessThanOrEqual(100);
        reader.close();
        expect(read(reader, 0)).toEqual(expected[0]);
        reader.close();
      }),
      { numRuns: 40 },
    );
  });

  test("a document longer than the write buffer", () => {
    const directory = join(temporaryFolder(), "set");
    const long = Uint16Array.from({ length: 2_500_000 }, (_, i) => i % 1000);
    write(directory, [[7], long, [8]]);
    const reader = openTokenShards(directory);
    const target = new Int32Array(10);
    reader.copyDocument(1, 2_499_995, 2_500_000, target, 5);
    expect([...target]).toEqual([0, 0, 0, 0, 0, 995, 996, 997, 998, 999]);
    expect(read(reader, 2)).toEqual([8]);
  });

  test("files are exactly as documented", async () => {
    const directory = join(temporaryFolder(), "set");
    write(directory, documents, { shardTokens: 4 });
    expect(fs.readdirSync(directory).sort()).toEqual([
      "manifest.json",
      ...["00000", "00001", "00002"].flatMap((n) => [`shard-${n}.bin`, `shard-${n}.idx`]),
    ]);
    const bin = fs.readFileSync(join(directory, "shard-00000.bin"));
    expect([...bin]).toEqual([1, 0, 2, 0, 3, 0, 4, 0]);
    expect([...fs.readFileSync(join(directory, "shard-00000.idx"))]).toEqual([0, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0]);
    const { manifest } = openTokenShards(directory);
    expect(manifest.shards[0].data.sha256).toBe(await fileSha256(join(directory, "shard-00000.bin")));
    expect(manifest).toMatchObject({ version: 1, dtype: "u16", vocabSize: 1000, documents: 5, tokens: 15 });
    await openTokenShards(directory).verify();
  });

  test("fingerprints tell whether a set can be used again", () => {
    const directory = join(temporaryFolder(), "set");
    const key = fingerprint({ source: "a", settings: { lower: true, max: 5 } });
    expect(fingerprint({ settings: { max: 5, lower: true, seed: undefined }, source: "a" })).toBe(key);
    expect(fingerprint({ source: "a", settings: { lower: true, max: 6 } })).not.toBe(key);
    expect(hasTokenShards(directory, key)).toBe(false);
    write(directory, documents, { fingerprint: key });
    expect(hasTokenShards(directory, key)).toBe(true);
    expect(hasTokenShards(directory, "other")).toBe(false);
  });
});

/** A folder with three shards. */
function set(): string {
  const directory = join(temporaryFolder(), "set");
  write(directory, documents, { shardTokens: 4 });
  return directory;
}

describe("bad shards", () => {
  test("no folder, no manifest, another file, a newer version", () => {
    const directory = set();
    const manifest = join(directory, "manifest.json");
    const good = fs.readFileSync(manifest, "utf8");
    expect(failure(() => openTokenShards("/nowhere/at/all"))).toMatchObject({
      code: "missing",
      message: expect.stringMatching(/^\[readShardManifest\] expected .*manifest\.json, got no such folder; tokenize/),
    });
    fs.writeFileSync(manifest, good.slice(0, 100));
    expect(failure(() => openTokenShards(directory)).message).toContain(
      "not JSON; delete the folder and tokenize again",
    );
    fs.writeFileSync(manifest, "null");
    expect(failure(() => openTokenShards(directory)).message).toContain("another kind of file");
    fs.writeFileSync(manifest, good.replace('"version": 1', '"version": 2'));
    expect(failure(() => openTokenShards(directory)).code).toBe("mismatch");
    fs.writeFileSync(manifest, good.replace('"tokens": 15', '"tokens": 16'));
    expect(failure(() => openTokenShards(directory)).message).toContain("totals");
    fs.writeFileSync(manifest, good.replaceAll("shard-00000.bin", "../secret.bin"));
    expect(failure(() => openTokenShards(directory)).code).toBe("corrupt");
    fs.rmSync(manifest);
    expect(failure(() => openTokenShards(directory)).message).toContain("never finished");
  });

  test("a damaged manifest never crashes the reader with anything but a DataError", () => {
    const directory = set();
    const path = join(directory, "manifest.json");
    const good = JSON.parse(fs.readFileSync(path, "utf8")) as Record<string, unknown>;
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(good).filter((key) => key !== "fingerprint")),
        fc.jsonValue(),
        (key, value) => {
          fc.pre(JSON.stringify(good[key]) !== JSON.stringify(value));
          fs.writeFileSync(path, JSON.stringify({ ...good, [key]: value }));
          expect(["corrupt", "mismatch"]).toContain(failure(() => openTokenShards(directory)).code);
        },
      ),
    );
  });

  test.each(["shard-00001.bin", "shard-00001.idx"])("%s truncated or gone", (file) => {
    const directory = set();
    const path = join(directory, file);
    const size = fs.statSync(path).size;
    fs.truncateSync(path, size - 1);
    expect(failure(() => openTokenShards(directory))).toMatchObject({
      code: "corrupt",
      message: expect.stringContaining(`expected ${size} bytes, got ${size - 1} in ${path}; delete the folder`),
    });
    fs.rmSync(path);
    expect(failure(() => openTokenShards(directory)).message).toContain("got no file");
  });

  test("truncated while in use", () => {
    const directory = set();
    const reader = openTokenShards(directory);
    fs.truncateSync(join(directory, "shard-00000.bin"), 2);
    expect(failure(() => read(reader, 1)).message).toContain("the file ends too early");
  });

  test("an id outside the vocabulary, in memory and from disk", () => {
    for (const memoryLimit of [0, 2 ** 30]) {
      const directory = set();
      const path = join(directory, "shard-00001.bin");
      const bytes = fs.readFileSync(path);
      bytes.writeUInt16LE(1000, 4);
      fs.writeFileSync(path, bytes);
      const reader = openTokenShards(directory, { memoryLimit });
      expect(read(reader, 0)).toEqual(documents[0]);
      expect(failure(() => read(reader, 2))).toMatchObject({
        code: "corrupt",
        message: expect.stringContaining("expected token ids below 1000, got 1000 at token 2"),
      });
    }
  });

  test("an index that does not rise", () => {
    const directory = set();
    const path = join(directory, "shard-00000.idx");
    const bytes = fs.readFileSync(path);
    bytes.writeUInt32LE(4, 4);
    fs.writeFileSync(path, bytes);
    expect(failure(() => openTokenShards(directory)).message).toContain("expected offsets that rise from 0 to 4");
  });

  test("a changed byte is found by verify", async () => {
    const directory = set();
    const path = join(directory, "shard-00002.bin");
    const bytes = fs.readFileSync(path);
    bytes[0] = bytes[0] ^ 1;
    fs.writeFileSync(path, bytes);
    await expect(openTokenShards(directory).verify()).rejects.toThrow(`another one in ${path}`);
  });

  test("another vocabulary, a document or range that is not there", () => {
    const directory = set();
    expect(failure(() => openTokenShards(directory, { vocabSize: 50_368 }))).toMatchObject({
      code: "mismatch",
      message: expect.stringContaining("expected tokens of a vocabulary of 50368, got 1000"),
    });
    const reader = openTokenShards(directory, { vocabSize: 1000 });
    for (const document of [-1, 5, Number.NaN])
      expect(failure(() => reader.documentLength(document)).message).toContain("expected a document in 0..4");
    expect(failure(() => reader.copyDocument(1, 0, 2, new Int32Array(9), 0)).code).toBe("invalid");
    expect(failure(() => reader.copyDocument(0, 0, 3, new Int32Array(3), 1)).code).toBe("invalid");
  });
});

describe("TokenShardWriter", () => {
  test("bad documents and empty sets leave nothing behind", () => {
    const base = temporaryFolder();
    const options = { directory: join(base, "set"), vocabSize: 1000, fingerprint: "f" };
    for (const bad of [[1, 1000], [-1], [1.5], [Number.NaN], []]) {
      const writer = new TokenShardWriter(options);
      writer.add([1, 2]);
      expect(failure(() => writer.add(bad)).code).toBe("invalid");
      expect(failure(() => writer.finish()).message).toContain("got one that is aborted");
      expect(fs.readdirSync(base)).toEqual([]);
    }
    const empty = new TokenShardWriter(options);
    expect(failure(() => empty.finish()).message).toContain("expected at least 1 document, got 0");
    expect(fs.readdirSync(base)).toEqual([]);
  });

  test("never touches a folder that holds something", () => {
    const directory = join(temporaryFolder(), "set");
    write(directory, documents);
    expect(failure(() => write(directory, [[1]])).message).toContain("choose another or delete it");
    expect(readAll(openTokenShards(directory))).toEqual(documents);
  });

  test("a killed writer leaves no data set; the next writer removes its leftovers, but not those of a living one", () => {
    const base = temporaryFolder();
    const directory = join(base, "set");
    const living = new TokenShardWriter({ directory, vocabSize: 1000, fingerprint: "f" });
    living.add([1]);
    const dead = join(base, `set.partial-${hostname()}-4194305-0`); // beyond the largest pid of Linux
    fs.mkdirSync(dead);
    fs.writeFileSync(join(dead, "shard-00000.bin"), "x");
    expect(failure(() => openTokenShards(directory)).code).toBe("missing");
    write(directory, documents);
    expect(fs.existsSync(dead)).toBe(false);
    expect(readAll(openTokenShards(directory))).toEqual(documents);
    expect(failure(() => living.finish()).code).toBe("io");
    expect(readAll(openTokenShards(directory))).toEqual(documents);
    expect(fs.readdirSync(base)).toEqual(["set"]);
  });

  test("whichever system call fails, the folder is complete or absent, and the error says why", () => {
    const base = temporaryFolder();
    const calls = ["openSync", "writeSync", "fsyncSync", "closeSync", "renameSync", "mkdirSync"] as const;
    let failing = 0;
    let finished = false;
    for (; !finished; failing++) {
      const directory = join(base, String(failing), "set");
      fs.mkdirSync(join(base, String(failing)));
      let call = 0;
      for (const name of calls) {
        const original = fs[name] as (...args: unknown[]) => unknown;
        vi.spyOn(fs, name).mockImplementation(((...args: unknown[]) => {
          if (call++ !== failing) return original.apply(fs, args);
          throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
        }) as never);
      }
      try {
        write(directory, documents, { shardTokens: 4 });
        finished = true;
      } catch (error) {
        expect((error as Error).message).toContain("the disk is full; free some space and run again");
        expect(fs.readdirSync(join(base, String(failing))).filter((name) => name !== "set")).toEqual([]);
      }
      vi.restoreAllMocks();
      if (fs.existsSync(directory)) expect(readAll(openTokenShards(directory))).toEqual(documents);
    }
    expect(failing).toBeGreaterThan(20);
  });

  test("a short write is continued", () => {
    const directory = join(temporaryFolder(), "set");
    const original = fs.writeSync as (...args: unknown[]) => number;
    vi.spyOn(fs, "writeSync").mockImplementation(((fd: number, data: Uint8Array, offset: number, length: number) =>
      original(fd, data, offset, Math.min(length, 3))) as never);
    write(directory, documents);
    vi.restoreAllMocks();
    expect(readAll(openTokenShards(directory))).toEqual(documents);
  });
});
