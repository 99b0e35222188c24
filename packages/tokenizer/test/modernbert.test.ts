/** The built-in tokenizer: its vocabulary, and cases that the reference library answered (test/fixtures/cases.json). */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type OffsetUnit, Tokenizer, loadModernBertTokenizer } from "../src/index.ts";

type Case = [text: string, pair: string | null, ids: number[], offsets: [number, number][], decoded: string];
const cases = JSON.parse(readFileSync(new URL("fixtures/cases.json", import.meta.url), "utf8")) as Case[];
const tokenizer = await loadModernBertTokenizer();

const pairs = (offsets: Int32Array): number[][] =>
  Array.from({ length: offsets.length / 2 }, (_, i) => [offsets[2 * i]!, offsets[2 * i + 1]!]);

describe("vocabulary", () => {
  test("has 50,368 ids, each with a token of its own", () => {
    expect(tokenizer.vocabSize).toBe(50_368);
    const tokens = Array.from({ length: 50_368 }, (_, id) => tokenizer.idToToken(id)!);
    expect(new Set(tokens).size).toBe(50_368);
    tokens.forEach((token, id) => expect(tokenizer.tokenToId(token)).toBe(id));
    expect([tokenizer.idToToken(50_368), tokenizer.idToToken(-1), tokenizer.tokenToId("Ġno such token")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("has the tokens of the published one where they belong", () => {
    expect(tokenizer.specialTokens).toEqual({ cls: 50281, sep: 50282, pad: 50283, mask: 50284, unk: 50280 });
    const known = {
      Ġcapital: 5347,
      ĠParis: 7785,
      ĠLyon: 42268,
      "|||IP_ADDRESS|||": 0,
      "<|padding|>": 1,
      "  ": 50276,
      "[unused82]": 50367,
    };
    for (const [token, id] of Object.entries(known)) expect(tokenizer.tokenToId(token)).toBe(id);
  });
});

describe.each([
  ["built in", tokenizer],
  ["saved and loaded", Tokenizer.fromJSON(JSON.stringify(tokenizer))],
])("%s: equal to the reference on", (_, each) => {
  test.each(cases)("%j %j", (text, pair, ids, offsets, decoded) => {
    const options = pair === null ? {} : { pair };
    const encoding = each.encode(text, { ...options, offsets: "codepoint" });
    expect(Array.from(encoding.ids)).toEqual(ids);
    expect(pairs(encoding.offsets!)).toEqual(offsets);
    expect(each.decode(encoding.ids)).toBe(decoded);
    expect(each.encode(text, options).ids).toEqual(encoding.ids);
    if (pair === null) expect(each.countTokens(text)).toBe(ids.length);
  });
});

describe("offsets", () => {
  const units: Record<OffsetUnit, (text: string) => string[]> = {
    utf16: (text) => text.split(""),
    codepoint: (text) => Array.from(text),
    byte: (text) => Array.from(Buffer.from(text), String),
  };
  test.each(Object.keys(units) as OffsetUnit[])("in %s count the units of the text before them", (unit) => {
    for (const [text, pair, , inCodePoints] of cases) {
      if (pair !== null) continue;
      const characters = Array.from(text);
      const before = (count: number): number => units[unit](characters.slice(0, count).join("")).length;
      const offsets = pairs(tokenizer.encode(text, { offsets: unit }).offsets!);
      expect(offsets).toEqual(inCodePoints.map(([start, end]) => [before(start), before(end)]));
    }
  });

  test("name their unit, and are absent when not asked for", () => {
    expect(tokenizer.encode("é", { offsets: "byte" }).offsetUnit).toBe("byte");
    expect(tokenizer.encode("é").offsets).toBeUndefined();
  });
});

describe("decoding in a stream", () => {
  test.each(cases)("%j %j adds up to decoding all at once", (_, __, ids) => {
    for (const skipSpecialTokens of [true, false]) {
      const stream = tokenizer.decodeStream({ skipSpecialTokens });
      expect(ids.map((id) => stream.push(id)).join("") + stream.end()).toBe(
        tokenizer.decode(ids, { skipSpecialTokens }),
      );
    }
  });

  test("holds back the bytes of an unfinished character", () => {
    const ids = tokenizer.encode("日本語", { addSpecialTokens: false }).ids;
    const stream = tokenizer.decodeStream();
    expect(Array.from(ids, (id) => stream.push(id))).toEqual(["日本", "", "語"]);
    stream.push(ids[1]!);
    expect(stream.end()).toBe("\ufffd");
  });
});
