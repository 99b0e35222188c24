/** What a stranger's tokenizer.json may ask for is bounded when it is read, before anything of that size is made. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Tokenizer, TokenizerError } from "../src/index.ts";
import { variants } from "./support/variants.ts";

type Json = Record<string, unknown>;
const good = (changes: Json = {}): Json => ({
  ...structuredClone(variants["ModernBERT form"]!),
  ...changes,
});
const vocabSize = Tokenizer.fromJSON(good()).vocabSize;
const padding = (changes: Json): Json => ({
  padding: {
    strategy: "BatchLongest",
    direction: "Right",
    pad_to_multiple_of: null,
    pad_id: 1,
    pad_type_id: 0,
    pad_token: "[PAD]",
    ...changes,
  },
});
const A = { Sequence: { id: "A", type_id: 0 } };
const special = (count: number): Json => ({
  cls: { id: "cls", ids: Array.from({ length: count }, () => 1), tokens: Array.from({ length: count }, () => "x") },
});
const template = (single: unknown[], specials: Json = special(1)): Json => ({
  post_processor: { type: "TemplateProcessing", single, pair: single, special_tokens: specials },
});
const cls = { SpecialToken: { id: "cls", type_id: 0 } };
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

/** A part within `depth` sequences. */
function nested(depth: number, list: string, part: Json): Json {
  let json = part;
  for (let i = 0; i < depth; i++) json = { type: "Sequence", [list]: [json] };
  return json;
}

function errorOf(changes: Json): TokenizerError {
  try {
    Tokenizer.fromJSON({ ...variants["ModernBERT form"]!, ...changes });
  } catch (error) {
    expect(error).toBeInstanceOf(TokenizerError);
    return error as TokenizerError;
  }
  return expect.fail("expected an error");
}

describe("refused when it is read, by name", () => {
  test.each<[string, Json, string]>([
    ["fixed padding", padding({ strategy: { Fixed: 2147483647 } }), "padding.strategy.Fixed"],
    ["fixed padding, one too many", padding({ strategy: { Fixed: (1 << 20) + 1 } }), "padding.strategy.Fixed"],
    ["padding to a multiple", padding({ pad_to_multiple_of: 2147483647 }), "padding.pad_to_multiple_of"],
    ["a pad id beyond the vocabulary", padding({ pad_id: vocabSize }), "padding.pad_id"],
    ["a type id that is no byte", padding({ pad_type_id: 256 }), "padding.pad_type_id"],
    ["a template of a million texts", template(times(1_000_000, A)), "post_processor.single"],
    ["one piece too many", template(times(65, A)), "post_processor.single"],
    ["a special token of 10,000 ids", template([cls, A], special(10_000)), "post_processor.special_tokens.cls.ids"],
    ["special tokens of 1,025 ids in all", template([...times(41, cls), A], special(25)), "post_processor.single"],
    [
      "a special id beyond the vocabulary",
      template([cls, A], { cls: { id: "cls", ids: [vocabSize], tokens: ["x"] } }),
      "post_processor.special_tokens.cls.ids[0]",
    ],
    [
      "one of BERT's form",
      { post_processor: { type: "BertProcessing", cls: ["a", 1], sep: ["b", 999_999] } },
      "post_processor.sep[1]",
    ],
    [
      "one of RoBERTa's form",
      { post_processor: { type: "RobertaProcessing", cls: ["a", 999_999], sep: ["b", 1] } },
      "post_processor.cls[1]",
    ],
    [
      "a type id of a piece",
      template([{ Sequence: { id: "A", type_id: 256 } }]),
      "post_processor.single[0].Sequence.type_id",
    ],
    [
      "a name of two lines",
      template([{ SpecialToken: { id: "a\nb", type_id: 0 } }]),
      'post_processor.special_tokens["a\\nb"]',
    ],
    ["an added token's id", { added_tokens: [{ id: 1 << 22, content: "x" }] }, "added_tokens[0].id"],
    ["added tokens of five megabytes", { added_tokens: [{ id: 5000, content: "x".repeat(5e6) }] }, "added_tokens"],
    [
      "a deep part that is kept as it is",
      { decoder: { type: "ByteLevel", note: JSON.parse(`${"[".repeat(200_000)}${"]".repeat(200_000)}`) as unknown } },
      "decoder",
    ],
    ["a deep normalizer", { normalizer: nested(100_000, "normalizers", { type: "NFC" }) }, "normalizer"],
    [
      "65 normalizers",
      { normalizer: { type: "Sequence", normalizers: times(65, { type: "NFC" }) } },
      "normalizer.normalizers",
    ],
    [
      "a deep pre-tokenizer",
      { pre_tokenizer: nested(100_000, "pretokenizers", { type: "ByteLevel" }) },
      "pre_tokenizer",
    ],
    [
      "a deep post-processor",
      { post_processor: nested(100_000, "processors", { type: "ByteLevel" }) },
      "post_processor",
    ],
  ])("%s", (_, changes, field) => {
    const error = errorOf(changes);
    expect(error.message).toMatch(/^\[Tokenizer\.fromJSON\] expected [^\n]{1,200}, got [^\n]{1,100}$/);
    expect(error.field).toBe(field);
  });
});

test("what is within the limits works as before", () => {
  const byLength = Tokenizer.fromJSON(good(padding({ strategy: { Fixed: 1 << 20 } }))).encode("aaa", {
    offsets: "byte",
  });
  expect(byLength.length).toBe(1 << 20);
  expect(byLength.tokens.at(-1)).toBe("[PAD]");
  expect(byLength.attentionMask.reduce((sum, one) => sum + one, 0)).toBeLessThan(10);
  const repeated = Tokenizer.fromJSON(good(template([...times(39, cls), ...times(25, A)])));
  const once = repeated.encode("aaa", { addSpecialTokens: false }).length / 25;
  expect(repeated.encode("aaa").length).toBe(39 + 25 * once);
  const deep = Tokenizer.fromJSON(good({ normalizer: nested(20, "normalizers", { type: "Lowercase" }) }));
  expect(deep.encode("ABC").ids).toEqual(deep.encode("abc").ids);
});

describe("sizes that only a text brings are checked before anything is made", () => {
  const tokenizer = Tokenizer.fromJSON(good({ truncation: null, padding: null, post_processor: null }));
  const message = /^\[encode\] expected encodings of at most 134217728 tokens in all, got \d+ of \d+ by [^\n]+$/;

  test("overflow that repeats nearly all of a long text in every part", () => {
    const text = "a b ".repeat(50_000);
    expect(() => tokenizer.encode(text, { truncation: { maxLength: 4096, stride: 4095 } })).toThrow(message);
    expect(tokenizer.encode(text, { truncation: { maxLength: 4096, stride: 1 } }).overflowing.length).toBeGreaterThan(
      20,
    );
  });

  test("every part of one text with every part of another", () => {
    const text = "a b ".repeat(5_000);
    expect(() => tokenizer.encode(text, { pair: text, truncation: { maxLength: 4 } })).toThrow(message);
  });

  test("padding, overflow included", () => {
    const text = "a b ".repeat(500);
    const options = { truncation: { maxLength: 2 }, padding: { length: 1 << 20, id: 0 } };
    expect(() => tokenizer.encode(text, options)).toThrow(message);
    expect(() => tokenizer.encodeBatch(times(1000, "a"), options)).toThrow(message);
  });

  test.each([
    { length: 2147483647 },
    { length: -1 },
    { length: 1.5 },
    { multipleOf: 2 ** 40 },
    { multipleOf: NaN },
    { typeId: 256 },
  ])("padding of %j", (wrong) => {
    expect(() => tokenizer.encode("a", { padding: { id: 0, ...wrong } })).toThrow(
      /^\[encode\] expected padding\.\w+ to be a whole number from 0 to \d+, got [^\n]+$/,
    );
  });
});

test("padding is written once, on either side, and survives a second padding", () => {
  const tokenizer = Tokenizer.fromJSON(good());
  const { tokens } = tokenizer.encode("some text");
  for (const side of ["left", "right"] as const) {
    const padded = tokenizer.encode("some text", { padding: { length: tokens.length + 2, id: 0, token: "<p>", side } });
    expect(padded.tokens).toEqual(side === "left" ? ["<p>", "<p>", ...tokens] : [...tokens, "<p>", "<p>"]);
    const again = padded.padded(tokens.length + 3, { id: 1, typeId: 1, token: "<q>", left: false });
    expect(again.tokens).toEqual([...padded.tokens, "<q>"]);
  }
});

/** Values that files of strangers hold. */
const nasty = [
  null,
  true,
  -1,
  0,
  255,
  256,
  2147483647,
  4294967296,
  1e300,
  0.5,
  "",
  "Sequence",
  "ByteLevel",
  "line\nbreak",
  "\u2028\ud800",
  "a".repeat(1000),
  [],
  {},
  [[]],
  times(1000, 0),
  nested(500, "normalizers", {}),
  JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`) as unknown,
];

/** All places of a JSON value, as the container and the key in it; long lists and vocabularies by their first few. */
function placesOf(value: unknown): [container: Json, key: string][] {
  if (typeof value !== "object" || value === null) return [];
  const keys = Object.keys(value).slice(0, 8);
  return keys.flatMap((key) => [[value as Json, key] as [Json, string], ...placesOf((value as Json)[key])]);
}

/** Reads, encodes, decodes and writes; anything but a TokenizerError of one line fails the property. */
const use = (json: string | object): void => {
  try {
    const tokenizer = Tokenizer.fromJSON(json);
    const encoding = tokenizer.encode("Some text, aaa", { pair: "and another", offsets: "utf16" });
    expect(encoding.length).toBeLessThanOrEqual(1 << 20);
    expect(encoding.tokens.length).toBe(encoding.length);
    for (const id of encoding.ids) if (id >= tokenizer.vocabSize) expect.fail(`id ${id} of ${tokenizer.vocabSize}`);
    tokenizer.decode(encoding.ids.subarray(0, 100));
    JSON.stringify(tokenizer);
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error;
    expect(error.message).toMatch(/^\[[\w.]+\] [^\n]{1,500}$/);
  }
};

describe("any mutation is read or refused in one typed line, and nothing grows beyond its limits", () => {
  const kinds = Object.keys(variants);
  const settings = { seed: 10, numRuns: Number(process.env["RUNS"] ?? 300) };

  test("of fields", () => {
    const change = fc.tuple(fc.nat(), fc.constantFrom("set", "delete", "copy"), fc.nat());
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.array(change, { minLength: 1, maxLength: 3 }), (kind, changes) => {
        const json = structuredClone(variants[kind]!);
        const places = placesOf(json);
        for (const [at, how, from] of changes) {
          const [container, key] = places[at % places.length]!;
          const [other, otherKey] = places[from % places.length]!;
          if (how === "delete") delete container[key];
          else container[key] = how === "set" ? nasty[from % nasty.length] : structuredClone(other[otherKey]);
        }
        use(JSON.stringify(json));
      }),
      settings,
    );
  });

  test("of text", () => {
    const insert = fc.constantFrom("", "\n", "{", "]", '"', ",", "\\", "\u0000", "9e999", "\ud800");
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.nat(), fc.nat(20), insert, (kind, at, cut, text) => {
        const json = JSON.stringify(variants[kind]);
        use(json.slice(0, at % json.length) + text + json.slice((at % json.length) + cut));
      }),
      settings,
    );
  });
});
