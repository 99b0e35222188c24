/** Input made to hurt: very long words, nothing but marks, broken UTF-16; and the two ways to merge against the plain one. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Tokenizer, loadModernBertTokenizer, trainBpe } from "../src/index.ts";
import { HeapMerger } from "../src/models/bpe/heap-merger.ts";
import { MergeTable, NO_MERGE } from "../src/models/bpe/merge-table.ts";
import { Merger } from "../src/models/bpe/merger.ts";
import { Utf8Buffer } from "../src/text/utf8.ts";
import { Vocabulary, hashBytes } from "../src/models/vocabulary.ts";
import { WordCache } from "../src/models/bpe/word-cache.ts";
import { variants } from "./support/variants.ts";

const tokenizer = await loadModernBertTokenizer();

/** Texts that repeat something over and over; each comes back from its tokens, whose offsets cover it. */
const long: Record<string, string> = {
  "one letter": "a",
  "letters without a blank": "thequickbrownfoxjumpsoverthelazydog",
  "hex digits": "9f86d081884c7d659a2feaa0c55ad015",
  blanks: " ",
  "line ends": "\r\n",
  punctuation: "!?#$%&()*+,-./:;<=>",
  apostrophes: "'",
  "Chinese without a blank": "天地玄黄宇宙洪荒日月盈昃辰宿列张",
  emoji: "👩‍👩‍👧‍👦",
  "the start of an added token": "|||EMAIL_ADDRESS||",
  "mask tokens": " [MASK]",
};

describe.each(Object.entries(long))("300,000 units of %s", (_, unit) => {
  test("is encoded whole", () => {
    const text = unit.repeat(Math.ceil(300_000 / unit.length));
    const { ids, offsets } = tokenizer.encode(text, { offsets: "utf16", addSpecialTokens: false });
    expect(
      tokenizer.decode(ids, { skipSpecialTokens: false }).replaceAll("[MASK]", " [MASK]") ===
        text.replaceAll(/(?<! )\[MASK\]/g, " [MASK]"),
    ).toBe(true);
    expect(offsets![0]).toBe(0);
    expect(offsets!.at(-1)).toBe(text.length);
    let gaps = 0;
    for (let i = 1; i < ids.length; i++) if (offsets![2 * i]! > offsets![2 * i - 1]!) gaps++;
    expect(gaps).toBe(0);
    expect(tokenizer.countTokens(text, { addSpecialTokens: false })).toBe(ids.length);
  });
});

test("400,000 combining marks are normalised in the order of their classes", () => {
  const text = `a${"\u0301\u0323".repeat(200_000)}`;
  const decoded = tokenizer.decode(tokenizer.encode(text).ids);
  // The engine's own normalize() takes minutes here.
  expect(decoded === `\u1ea1${"\u0323".repeat(199_999)}${"\u0301".repeat(200_000)}`).toBe(true);
});

test("lone surrogates are read as U+FFFD, in texts of every length", () => {
  for (const text of ["\ud800", "a\udc00b", "\ud83d", `${"x".repeat(70_000)}\ud800`, "\udc00\ud800".repeat(50_000)]) {
    expect(tokenizer.encode(text).ids).toEqual(tokenizer.encode(Buffer.from(text).toString()).ids);
    expect(tokenizer.encode(text, { offsets: "utf16" }).offsets!.at(-3)).toBe(text.length);
  }
});

test("a text of any length fits the reused byte buffer, before and after a long one", () => {
  const buffer = new Utf8Buffer();
  for (const text of ["é", "日".repeat(600_000), "", "a".repeat(3_000_000), "é".repeat(400_000), "x"]) {
    buffer.set(text);
    expect(Buffer.from(buffer.bytes.subarray(0, buffer.length)).equals(Buffer.from(text))).toBe(true);
    expect(buffer.ascii).toBe(/^[a-z]*$/.test(text));
  }
  expect(buffer.bytes.length).toBeLessThan(1 << 17);
});

/** The definition of BPE: join the pair of lowest rank, the leftmost of equals, until there is none. */
function plainMerge(merges: MergeTable, symbols: number[]): number[] {
  for (;;) {
    let [best, at] = [NO_MERGE, -1];
    for (let i = 0; i + 1 < symbols.length; i++) {
      const rank = merges.rank(symbols[i]!, symbols[i + 1]!);
      if (rank < best) [best, at] = [rank, i];
    }
    if (at < 0) return symbols;
    symbols = [...symbols.slice(0, at), merges.made[best]!, ...symbols.slice(at + 2)];
  }
}

describe("merging in windows and with a heap gives what the definition gives", () => {
  /** Any merges at all over four letters, also such as no training would learn. */
  const anyMerges = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 60 }).map((choices) => {
    const lengths = [1, 1, 1, 1];
    const pairs: number[] = [];
    const known = new Set<string>();
    for (const [a, b] of choices) {
      const [left, right] = [a % lengths.length, b % lengths.length];
      if (known.has(`${left} ${right}`) || lengths[left]! + lengths[right]! > 40) continue;
      known.add(`${left} ${right}`);
      pairs.push(left, right);
      lengths.push(lengths[left]! + lengths[right]!);
    }
    // The merges of a file need not be in the order in which their parts are made.
    const order = Array.from({ length: pairs.length / 2 }, (_, i) => i).sort(
      (i, j) => ((i * 7919) % 61) - ((j * 7919) % 61),
    );
    const made = Int32Array.from(order, (i) => 4 + i);
    return {
      table: new MergeTable(Int32Array.from(order.flatMap((i) => [pairs[2 * i]!, pairs[2 * i + 1]!])), made),
      lengths,
    };
  });
  const letters = fc.oneof(
    fc.array(fc.nat(3), { maxLength: 700 }),
    fc
      .tuple(fc.array(fc.nat(3), { minLength: 1, maxLength: 9 }), fc.nat(120))
      .map(([unit, times]) => Array.from({ length: times }, () => unit).flat()),
  );

  test("for any merges and any word", () => {
    fc.assert(
      fc.property(anyMerges, letters, ({ table, lengths }, word) => {
        const byteIds = new Int32Array(256).fill(-1);
        for (let i = 0; i < 4; i++) byteIds[97 + i] = i;
        const bytes = Uint8Array.from(word, (letter) => 97 + letter);
        const expected = plainMerge(table, [...word]);
        const out = new Int32Array(bytes.length + 3);
        const end = new Merger(table, byteIds, (id) => lengths[id]!).merge(bytes, 0, bytes.length, out, 3);
        expect(Array.from(out.subarray(3, end))).toEqual(expected);
        const symbols = Int32Array.from(word);
        expect(Array.from(symbols.subarray(0, new HeapMerger(table).merge(symbols, symbols.length)))).toEqual(expected);
      }),
      { numRuns: Number(process.env["RUNS"] ?? 1000) },
    );
  });

  test("a chain that reaches from the end of a word to its start is not cut by windows", () => {
    // Letter k joins the next with a rank that falls along the word, so that the last pair decides about all before it.
    const length = 200;
    const pairs = Array.from({ length: length - 1 }, (_, i) => [length - 2 - i, length - 1 - i]).flat();
    const table = new MergeTable(
      Int32Array.from(pairs),
      Int32Array.from({ length: length - 1 }, (_, i) => length + i),
    );
    const byteIds = Int32Array.from({ length: 256 }, (_, i) => (i < length ? i : -1));
    for (const word of [
      Uint8Array.from({ length }, (_, i) => i),
      Uint8Array.from({ length: length - 1 }, (_, i) => i),
    ]) {
      const out = new Int32Array(length);
      const end = new Merger(table, byteIds, (id) => (id < length ? 1 : 2)).merge(word, 0, word.length, out, 0);
      expect(Array.from(out.subarray(0, end))).toEqual(plainMerge(table, Array.from(word)));
    }
  });
});

const word = (i: number): Uint8Array => Buffer.from(`word${i}`);

test("the word cache never answers for another word, however many there are", () => {
  const cache = new WordCache();
  const out = new Int32Array(16);
  for (let i = 0; i < 50_000; i++) {
    out[0] = i;
    cache.set(word(i), 0, word(i).length, Math.imul(i, 0x9e3779b1), out, 0, 1);
  }
  let kept = 0;
  for (let i = 0; i < 50_000; i++) {
    if (cache.get(word(i), 0, word(i).length, Math.imul(i, 0x9e3779b1), out, 0) === 0) continue;
    expect(out[0]).toBe(i);
    kept++;
  }
  expect(kept).toBeGreaterThan(1000);
  // The same hash for two words: the bytes decide.
  cache.set(word(1), 0, 5, 7, Int32Array.of(1), 0, 1);
  expect(cache.get(word(2), 0, 5, 7, out, 0)).toBe(0);
});

test("words with bytes that the vocabulary lacks fill no table", () => {
  const lacking = Tokenizer.fromJSON(variants["bytes that the vocabulary lacks"]!);
  const { ids } = lacking.encode("aZ\nbXQ\n".repeat(3000), { addSpecialTokens: false });
  expect(new Set(ids)).toEqual(new Set(["a", "b", "Ċ"].map((token) => lacking.tokenToId(token)!)));
});

test("offsets pass over bytes that the vocabulary lacks", () => {
  const lacking = Tokenizer.fromJSON(variants["bytes that the vocabulary lacks"]!);
  const { tokens, offsets } = lacking.encode("Za ZbXZ Q- ZtX", { addSpecialTokens: false, offsets: "utf16" });
  expect(tokens).toEqual(["a", "Ġ", "b", "Ġ", "-", "Ġt"]);
  expect(Array.from(offsets!)).toEqual([1, 2, 2, 3, 4, 5, 7, 8, 9, 10, 10, 13]);
});

test("two tokens of one hash are told apart", () => {
  const seen = new Map<number, Uint8Array>();
  let found: [Uint8Array, Uint8Array] | undefined;
  for (let i = 0; found === undefined; i++) {
    const bytes = Buffer.from(i.toString(36));
    const hash = hashBytes(bytes, 0, bytes.length);
    if (seen.has(hash)) found = [seen.get(hash)!, bytes];
    seen.set(hash, bytes);
  }
  const [known, other] = found;
  const vocabulary = new Vocabulary(known, Uint32Array.of(0, known.length));
  expect([vocabulary.find(known, 0, known.length), vocabulary.find(other, 0, other.length)]).toEqual([0, -1]);
});

test("results do not hang on what was encoded before", () => {
  const trained = trainBpe(["some text to learn from, some more text"], { vocabSize: 320 });
  const texts = ["some text", "other words entirely", "some more of the same", "some text"];
  const first = texts.map((text) => Array.from(trained.encode(text).ids));
  expect(texts.toReversed().map((text) => Array.from(trained.encode(text).ids))).toEqual(first.toReversed());
});

test("what is not a string is refused by name", () => {
  for (const value of [undefined, null, 1, {}, ["a"]]) {
    expect(() => tokenizer.encode(value as unknown as string)).toThrow("[encode] expected a string, got");
  }
});
