/** Sources that are wrong, as `prepare` meets them: on one thread and on several, from disk and from the web. Workers run as built. */
import fs from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { PrepareOptions } from "../src/prepare/options.ts";
import { start } from "./command-line.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const { prepare } = (await import(new URL("../dist/index.js", import.meta.url).href)) as {
  prepare: (options: PrepareOptions) => Promise<string>;
};

/** So long that threads have work before the end comes. */
const texts = Array.from({ length: 600 }, (_, at) => `document ${at} ${"about a cat and a dog ".repeat(30)}`);
const lines = texts.map((text) => JSON.stringify({ text }));
const jsonLines = (at: number, line: string): string => lines.with(at, line).join("\n");
const table = (at: number, row: string): string => ["text", ...texts.with(at, row)].join("\n");
const gzip = gzipSync(lines.join("\n"));

type BadSource = readonly [name: string, content: string | Uint8Array, message: string];

/** Found while the texts before them are tokenized. */
const late: readonly BadSource[] = [
  [
    "cut.jsonl.gz",
    gzip.subarray(0, -200),
    "expected a whole .gz file, got unexpected end of file in FILE; get it again",
  ],
  [
    "bad.jsonl",
    jsonLines(550, '{"text": "cut'),
    "expected one JSON object a line, got what is no JSON at FILE:551; repair",
  ],
  [
    "nul.jsonl",
    jsonLines(550, String.raw`{"text":"a\u0000b"}`),
    "expected text, got binary data (a NUL character) at FILE:551",
  ],
  ["nul.csv", table(550, "a\0b"), "expected text, got binary data (a NUL character) at FILE:552; repair or remove it"],
  ["nul.txt", texts.with(550, "a\0b").join("\n\n"), "expected text, got binary data (a NUL character) at FILE:1101"],
];

const early: readonly BadSource[] = [
  ["empty.txt", "", "expected texts, got none in FILE"],
  ["empty.jsonl", "", "expected texts, got none in FILE"],
  ["header.csv", "text\n", "expected texts, got none in FILE"],
  ["empty.parquet", "", "expected a whole Parquet file, got one that does not read"],
  ["cut.parquet", `PAR1${texts.join("")}`, "expected a whole Parquet file, got one that does not read"],
];

function options(folder: string, input: string, changes: Partial<PrepareOptions> = {}): PrepareOptions {
  return {
    inputs: [input],
    output: join(folder, "data"),
    tokenizer: "modernbert",
    vocabSize: 8192,
    validation: 0.1,
    seed: 1,
    split: "blank-line",
    shardTokens: 2000,
    onNotice: () => undefined,
    ...changes,
  };
}

describe.each([
  [0, [...early, ...late]],
  [2, late],
] as const)("with %d workers", (workers, bad) => {
  test.each(bad)("%s is refused, and nothing is left behind", async (name, content, message) => {
    const folder = temporaryFolder();
    const file = join(folder, name);
    fs.writeFileSync(file, content);
    await expect(prepare(options(folder, file, { workers }))).rejects.toThrow(message.replace("FILE", file));
    expect(fs.readdirSync(folder)).toEqual([name]);
  });
});

test("bad records among many are counted and named on the terminal where they may be passed over", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "bad.jsonl");
  fs.writeFileSync(file, lines.with(100, "{").with(200, '{"text":"\0"}').with(300, '{"txt":"x"}').join("\n"));
  const settings = ["--output", join(folder, "data"), "--workers", "2"];
  const refused = await start(["prepare", file, ...settings]).finished;
  expect([refused.code, refused.stderr.trim().split("\n").at(-1)]).toEqual([
    1,
    `modernbert-train: [TextSource] expected one JSON object a line, got what is no JSON at ${file}:101; repair or remove it, or skip bad records`,
  ]);
  expect(fs.readdirSync(folder)).toEqual(["bad.jsonl"]);
  const skipped = await start(["prepare", file, ...settings, "--bad-records", "skip"]).finished;
  expect(skipped.code).toBe(0);
  expect(skipped.stderr).toContain("597 documents");
  expect(skipped.stderr).toContain(
    `3 records that cannot be read were passed over: ${file}:101 (what is no JSON), ${file}:201 (binary data (a NUL character)), ${file}:301`,
  );
});

test("a file of the web that is cut or bad is named by its address, and nothing is left of the output", async () => {
  const folder = temporaryFolder();
  const served = new Map<string, string | Uint8Array>([
    ["/cut.jsonl.gz", gzip.subarray(0, -200)],
    ["/bad.jsonl", jsonLines(550, "{")],
  ]);
  const server = createServer(({ url }, response) => void response.end(served.get(url!)));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  vi.stubEnv("HF_HUB_CACHE", join(folder, "cache"));
  onTestFinished(() => void vi.unstubAllEnvs());
  for (const path of served.keys()) {
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
    await expect(prepare(options(folder, address, { workers: 2 }))).rejects.toThrow(
      `; this is ${address} as it was downloaded: delete it to get it again`,
    );
    expect(fs.readdirSync(folder)).toEqual(["cache"]);
  }
});
