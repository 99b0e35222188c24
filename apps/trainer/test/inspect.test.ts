import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeData, inspectData } from "../src/commands/inspect.ts";
import { prepare } from "../src/commands/prepare.ts";
import { temporaryFolder } from "./support.ts";

const record = (words: number): string => JSON.stringify({ text: Array(words).fill(" the").join("") });

/** Documents of known lengths from two files: one word is one token, beside [CLS] and [SEP]. */
async function prepared(): Promise<string> {
  const folder = temporaryFolder();
  fs.writeFileSync(join(folder, "a.jsonl"), [1, 2, 3].map(record).join("\n"));
  fs.writeFileSync(join(folder, "b.jsonl"), [6, 14, 15, 998].map(record).join("\n"));
  const output = join(folder, "data");
  const inputs = ["a.jsonl", "b.jsonl"].map((name) => join(folder, name));
  const settings = { tokenizer: "modernbert", vocabSize: 300, validation: 0, seed: 1, onNotice: () => undefined };
  await prepare({ inputs, output, ...settings });
  return output;
}

test("documents, tokens, lengths, sources and samples of a folder", async () => {
  const folder = await prepared();
  const { sources, parts, vocabSize } = await inspectData(folder, 2);
  expect(vocabSize).toBe(50_368);
  expect(sources.map(({ path, documents }) => [path.slice(-7), documents])).toEqual([
    ["b.jsonl", 4],
    ["a.jsonl", 3],
  ]);
  const [train] = parts;
  expect(parts.length).toBe(1);
  expect([train!.documents, train!.tokens, train!.shards]).toEqual([7, 3 + 4 + 5 + 8 + 16 + 17 + 1000, 1]);
  const { histogram, ...lengths } = train!.lengths;
  expect(lengths).toEqual({ shortest: 3, median: 8, mean: 1053 / 7, p95: 1000, longest: 1000 });
  expect(histogram.map(({ most, documents }) => [most, documents])).toEqual([
    [4, 2],
    [8, 2],
    [16, 1],
    [32, 1],
    [64, 0],
    [128, 0],
    [256, 0],
    [512, 0],
    [1024, 1],
  ]);
  expect(histogram.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(1053);
  expect(train!.samples.map(({ document, text }) => [document, text])).toEqual([
    [0, " the"],
    [3, " the the the the the the"],
  ]);
  const text = describeData(await inspectData(folder, 2)).join("\n");
  expect(text).toContain("train: 7 documents, 1.05k tokens, 1 shards");
  expect(text).toMatch(/≤ {5}1024 █+ +1 documents, 95.0 % of the tokens/);
  expect(text).toContain("4 documents  ");
});

test("a folder that nobody prepared is refused by name", async () => {
  const folder = temporaryFolder();
  await expect(inspectData(folder, 1)).rejects.toThrow(/there is no .*tokenizer.json: make the data with/);
});
