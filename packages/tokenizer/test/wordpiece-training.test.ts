/** WordPiece training: the vocabulary that the reference library learns (test/fixtures/wordpiece.json), and the tokenizer around it. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Tokenizer, bertTokenizer, trainWordPiece, vocabText } from "../src/index.ts";
import type { WordPieceTrainOptions } from "../src/index.ts";
import { readCorpora } from "./support/corpora.ts";

interface Learnt {
  options: WordPieceTrainOptions;
  size: number;
  letters: number;
  some: string[];
  sha256: string;
}
const read = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8");
const fixture = JSON.parse(read("wordpiece.json")) as { prose: Learnt[]; brown: Learnt[] };
const prose = read("prose.txt").split("\n");
const [brown] = await readCorpora({ whole: true });
const why = brown!.missing === undefined ? "" : ` (skipped: ${brown!.missing})`;

const linesOf = (tokenizer: Tokenizer): string[] => vocabText(tokenizer).split("\n").slice(0, -1);

function expectLearnt(texts: Iterable<string>, { options, size, letters, some, sha256 }: Learnt): void {
  const tokens = linesOf(trainWordPiece(texts, options));
  expect(tokens.slice(letters, letters + some.length)).toEqual(some);
  expect(tokens.length).toBe(size);
  expect(createHash("sha256").update(JSON.stringify(tokens)).digest("hex")).toBe(sha256);
}

describe("learns the vocabulary of the reference", () => {
  test.each(fixture.prose)("from a page of prose: $options", (learnt) => expectLearnt(prose, learnt));

  test.skipIf(why !== "").each(fixture.brown)(`from Brown: $options${why}`, (learnt) =>
    expectLearnt(brown!.documents(), learnt),
  );
});

test("makes a tokenizer of BERT's form", () => {
  const tokenizer = trainWordPiece(prose, { vocabSize: 500 });
  expect(tokenizer.specialTokens).toEqual({ pad: 0, unk: 1, cls: 2, sep: 3, mask: 4 });
  const encoding = tokenizer.encode("The [MASK]", { pair: "the" });
  expect([encoding.tokens[0], encoding.tokens.at(-1)]).toEqual(["[CLS]", "[SEP]"]);
  expect(encoding.tokens).toContain("[MASK]");
  expect(encoding.typeIds.at(-1)).toBe(1);
});

test("what is learned encodes its texts whole, and is the same from tokenizer.json and from vocab.txt", () => {
  const text = fc.string({ unit: fc.constantFrom(..."abcé É中 ~-ß\u0301İ🦊한"), maxLength: 40 });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), fc.nat(40), fc.boolean(), (texts, more, lowercase) => {
      const tokenizer = trainWordPiece(texts, { vocabSize: 60 + more, lowercase });
      const others = [Tokenizer.fromJSON(JSON.stringify(tokenizer)), bertTokenizer(linesOf(tokenizer), { lowercase })];
      for (const each of texts) {
        const { ids } = tokenizer.encode(each);
        expect(ids).not.toContain(1);
        for (const other of others) expect(other.encode(each).ids).toEqual(ids);
      }
    }),
    { numRuns: 100 },
  );
});

test("says what is wrong with its settings", () => {
  expect(() => trainWordPiece(["abc"], { vocabSize: 9 })).toThrow(
    "[trainWordPiece] expected vocabSize of at least 10 (special tokens and letters), got 9: raise it, or lower limitAlphabet (1000)",
  );
  expect(() => trainWordPiece([], { vocabSize: 9.5 })).toThrow("expected vocabSize to be an integer");
  expect(() => trainWordPiece([], { vocabSize: 9, initialAlphabet: ["ab"] })).toThrow(
    'expected single characters in initialAlphabet, got "ab"',
  );
  expect(() => bertTokenizer(["[PAD]"])).toThrow("expected a vocabulary with [UNK], got one without");
  expect(() => bertTokenizer(["a", "b", "a"])).toThrow('expected each token once and none empty, got "a" at id 0');
});
