/** BPE training: the merges that the reference library learns (test/fixtures/training.json), and the tokenizer around them. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Tokenizer, type TrainProgress, trainBpe } from "../src/index.ts";
import { readCorpora } from "./support/corpora.ts";

interface Learnt {
  vocabSize: number;
  minFrequency: number;
  merges: number;
  first: string[];
  sha256: string;
}
const read = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8");
const fixture = JSON.parse(read("training.json")) as { prose: Learnt[]; brown: Learnt[] };
const prose = read("prose.txt").split("\n");
const [brown] = await readCorpora({ whole: true });
const why = brown!.missing === undefined ? "" : ` (skipped: ${brown!.missing})`;

function expectLearnt(texts: Iterable<string>, { vocabSize, minFrequency, merges, first, sha256 }: Learnt): void {
  const { model } = trainBpe(texts, { vocabSize, minFrequency }).toJSON() as { model: { merges: [string, string][] } };
  expect(model.merges.slice(0, first.length).map((pair) => pair.join(""))).toEqual(first);
  expect(model.merges.length).toBe(merges);
  expect(createHash("sha256").update(JSON.stringify(model.merges)).digest("hex")).toBe(sha256);
}

describe("learns the merges of the reference", () => {
  test.each(fixture.prose)("from a page of prose: $vocabSize tokens, frequency $minFrequency", (learnt) =>
    expectLearnt(prose, learnt),
  );

  test.skipIf(why !== "").each(fixture.brown)(`from Brown: $vocabSize tokens${why}`, (learnt) =>
    expectLearnt(brown!.documents(), learnt),
  );
});

describe("makes a tokenizer of ModernBERT's form", () => {
  const progress: TrainProgress[] = [];
  const tokenizer = trainBpe(prose, { vocabSize: 800, onProgress: (step) => progress.push(step) });

  test("with special tokens first, bytes next, and a size that is a multiple of 64", () => {
    expect(tokenizer.specialTokens).toEqual({ unk: 0, cls: 1, sep: 2, pad: 3, mask: 4 });
    expect(tokenizer.idToToken(5)).toBe("!");
    expect(tokenizer.vocabSize % 64).toBe(0);
    expect(tokenizer.vocabSize).toBe(832);
    expect(tokenizer.idToToken(800)).toBe("[unused0]");
    expect(trainBpe(prose, { vocabSize: 800, padToMultipleOf: 1 }).vocabSize).toBe(800);
  });

  test("that gives any text back", () => {
    for (const text of [...prose, "never seen: ßøþ 🦊 \u0000\u0007 \ufffd"])
      expect(tokenizer.decode(tokenizer.encode(text).ids)).toBe(text);
  });

  test("whose [MASK] takes the blanks before it", () => {
    expect(tokenizer.encode("the   [MASK].").tokens.at(-3)).toBe("[MASK]");
    expect(tokenizer.encode("the [MASK]", { offsets: "utf16" }).tokens).toEqual(["[CLS]", "the", " [MASK]", "[SEP]"]);
  });

  test("that is the same after saving and loading", () => {
    const loaded = Tokenizer.fromJSON(JSON.stringify(tokenizer));
    expect(loaded.toJSON()).toEqual(tokenizer.toJSON());
    for (const text of prose) expect(loaded.encode(text).ids).toEqual(tokenizer.encode(text).ids);
  });

  test("and reports its progress", () => {
    expect(progress[0]).toEqual({ stage: "count", done: prose.length, total: undefined });
    expect(progress.at(-1)).toEqual({ stage: "merge", done: 800, total: 800 });
  });
});

test("stops early when no pair is frequent enough", () => {
  const tokenizer = trainBpe(["ab ab"], { vocabSize: 400, minFrequency: 2, padToMultipleOf: 1 });
  expect(tokenizer.vocabSize).toBe(262);
  expect(trainBpe([], { vocabSize: 300, padToMultipleOf: 1 }).vocabSize).toBe(261);
});

test("says what is wrong with its settings", () => {
  expect(() => trainBpe([], { vocabSize: 200 })).toThrow(
    "[trainBpe] expected vocabSize to be an integer of at least 261",
  );
  expect(() => trainBpe([], { vocabSize: 300, specialTokens: ["[CLS]"] })).toThrow(
    "[trainBpe] expected distinct specialTokens with [CLS] and [SEP]",
  );
});
