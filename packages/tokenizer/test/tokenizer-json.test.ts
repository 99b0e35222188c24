/** Broken and unsupported tokenizer.json files: a TokenizerError that names the field, never anything else. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Tokenizer, TokenizerError } from "../src/index.ts";
import { variants } from "./support/variants.ts";

type Json = Record<string, unknown>;
const good = (): Json => structuredClone(variants["Llama 3"]!);

/** The file with one field set (or removed, for undefined). */
function broken(path: string, value: unknown): Json {
  const json = good();
  const keys = path.split(".");
  const last = keys.pop()!;
  const parent = keys.reduce<Json>((object, key) => object[key] as Json, json);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return json;
}

function errorOf(json: unknown): TokenizerError {
  try {
    Tokenizer.fromJSON(json as object);
  } catch (error) {
    expect(error).toBeInstanceOf(TokenizerError);
    expect((error as Error).message).toMatch(
      /^\[Tokenizer\.fromJSON\] expected [^\n]*, got [^\n]*$|^\[Tokenizer\.fromJSON\] expected a JSON file/,
    );
    return error as TokenizerError;
  }
  throw new Error("expected an error");
}

test.each([
  ["model", undefined, "model"],
  ["model", [], "model"],
  ["model.type", "Unigram", "model.type"],
  ["model.type", "WordLevel", "model.type"],
  ["model.vocab", undefined, "model.vocab"],
  ["model.vocab", { a: 1, b: 1 }, 'model.vocab["b"]'],
  ["model.vocab", { a: -1 }, 'model.vocab["a"]'],
  ["model.vocab", { a: 1e9 }, 'model.vocab["a"]'],
  ["model.vocab", { a: "1" }, 'model.vocab["a"]'],
  ["model.merges", {}, "model.merges"],
  ["model.merges.3", "Ġ nowhere", "model.merges[3]"],
  ["model.merges.3", "a", "model.merges[3]"],
  ["model.merges.3", ["a", "b", "c"], "model.merges[3]"],
  ["model.merges.3", null, "model.merges[3]"],
  ["model.dropout", 0.1, "model.dropout"],
  ["model.continuing_subword_prefix", "##", "model.continuing_subword_prefix"],
  ["model.end_of_word_suffix", "</w>", "model.end_of_word_suffix"],
  ["added_tokens", {}, "added_tokens"],
  ["added_tokens.0.id", 1.5, "added_tokens[0].id"],
  ["added_tokens.1.id", 0, "added_tokens[1].id"],
  ["added_tokens.0.content", "", "added_tokens[0].content"],
  ["added_tokens.0.content", 7, "added_tokens[0].content"],
  ["added_tokens.0.lstrip", "yes", "added_tokens[0].lstrip"],
  ["normalizer", { type: "Precompiled" }, "normalizer.type"],
  [
    "normalizer",
    { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "Nmt" }] },
    "normalizer.normalizers[1].type",
  ],
  ["pre_tokenizer", null, "pre_tokenizer"],
  ["pre_tokenizer", { type: "Metaspace" }, "pre_tokenizer.type"],
  ["pre_tokenizer.pretokenizers.0", { type: "CharDelimiterSplit" }, "pre_tokenizer.pretokenizers[0].type"],
  ["pre_tokenizer.pretokenizers.0.behavior", "Merge", "pre_tokenizer.pretokenizers[0].behavior"],
  ["pre_tokenizer.pretokenizers.0.pattern", {}, "pre_tokenizer.pretokenizers[0].pattern.Regex"],
  ["post_processor", { type: "Mystery" }, "post_processor.type"],
  ["post_processor.processors.1.special_tokens", {}, "post_processor.processors[1].special_tokens.<s>"],
  [
    "post_processor.processors.1.single.0",
    { Sequence: { id: "C", type_id: 0 } },
    "post_processor.processors[1].single[0].Sequence.id",
  ],
  ["decoder", { type: "CTC" }, "decoder.type"],
  ["truncation", { max_length: "8" }, "truncation.max_length"],
  ["padding", { strategy: "Longest" }, "padding.strategy"],
])("%s = %j", (path, value, field) => {
  expect(errorOf(broken(path, value)).field).toBe(field);
});

const withRegex = (regex: string): Json => broken("pre_tokenizer.pretokenizers.0.pattern", { Regex: regex });

describe("regular expressions", () => {
  test.each([
    "(a+)+b",
    "(?:a*b?)*",
    "a++",
    "a{2}{3}",
    "(a)\\1",
    "(?<name>a)",
    "(?>a)",
    "[a&&b]",
    "[[:alpha:]]",
    "[[^a]b]",
    "(",
    "[a",
    "a\\",
    "\\G",
    "a)",
    "*a",
    "\\p{L",
    "\\p{Nothing}",
    "(?=a)*",
    "[b-a]",
  ])("%s is refused", (regex) =>
    expect(errorOf(withRegex(regex)).field).toBe("pre_tokenizer.pretokenizers[0].pattern.Regex"),
  );

  test.each([
    "a|b",
    "[^\\s\\p{L}]+?",
    "\\p{^L}\\P{N}",
    "(?i:ab|c)d?",
    "(?<=x)y(?!z)",
    "[]a]",
    "(?:a\\+|b)*",
    "(?:ab?)?",
    "\\x41\\u0042",
    "[a\\-z.]{1,3}",
    "\\S\\D\\W",
  ])("%s is taken", (regex) => {
    expect(
      Tokenizer.fromJSON(withRegex(regex)).decode(Tokenizer.fromJSON(withRegex(regex)).encode("Abc xyz 12!").ids),
    ).toContain("Abc xyz 12!");
  });
});

test("text that is no JSON, and JSON that is no tokenizer", () => {
  expect(errorOf("{").message).toContain("expected a JSON file");
  for (const value of [null, 1, "x", [], true]) errorOf(JSON.stringify(value));
});

test("any one field replaced by anything: a tokenizer or a TokenizerError", () => {
  const paths: string[] = [];
  const walk = (value: unknown, path: string): void => {
    if (path !== "") paths.push(path);
    if (typeof value !== "object" || value === null) return;
    for (const [key, child] of Object.entries(value).slice(0, 6))
      if (!key.includes(".")) walk(child, path === "" ? key : `${path}.${key}`);
  };
  walk(good(), "");
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.oneof(fc.jsonValue(), fc.constant(undefined)), (path, value) => {
      try {
        Tokenizer.fromJSON(JSON.stringify(broken(path, value))).encode("some text");
      } catch (error) {
        expect(error).toBeInstanceOf(TokenizerError);
      }
    }),
    { numRuns: Number(process.env["RUNS"] ?? 500) },
  );
});
