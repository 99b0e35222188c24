/** Which tokens have a role: what the files beside a tokenizer.json say, as transformers 5.17 reads them (all cases tried there). */
import { describe, expect, test } from "vitest";
import { Tokenizer, TokenizerError, trainBpe, type TokenizerFiles } from "../src/index.ts";

type Json = Record<string, unknown>;
interface AddedJson extends Json {
  id: number;
  content: string;
}

const usual = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"];
const trained = JSON.stringify(
  trainBpe(["the cat sat on the mat ".repeat(3)], { vocabSize: 275, specialTokens: usual, padToMultipleOf: 1 }),
);

/** A tokenizer.json with other names for its special tokens, whose ids are 0 to 4 in the order unk, cls, sep, pad, mask. */
function tokenizerJson(names: readonly string[] = usual, maskFlags: Json = { lstrip: false }): Json {
  const renamed = trained.replace(/"(\[[A-Z]+\])"/g, (_, name: string) => JSON.stringify(names[usual.indexOf(name)]));
  const json = JSON.parse(renamed) as Json & { added_tokens: AddedJson[] };
  Object.assign(json.added_tokens[4]!, maskFlags);
  return json;
}

const configOf = ([unk, cls, sep, pad, mask]: readonly string[]): Json => ({
  tokenizer_class: "PreTrainedTokenizerFast",
  unk_token: unk,
  cls_token: cls,
  sep_token: sep,
  pad_token: pad,
  mask_token: mask,
});
const inOrder = { unk: 0, cls: 1, sep: 2, pad: 3, mask: 4 };
const read = (json: Json, tokenizerConfig?: Json, specialTokensMap?: Json): Tokenizer =>
  Tokenizer.fromJSON(JSON.stringify(json), {
    tokenizerConfig: tokenizerConfig && JSON.stringify(tokenizerConfig),
    specialTokensMap,
  });
const tokensOf = (tokenizer: Tokenizer, text: string): readonly string[] =>
  tokenizer.encode(text, { addSpecialTokens: false }).tokens;
const flags = { lstrip: false, rstrip: false, normalized: false, single_word: false, special: true };

describe("the role of a token is what the files say, whatever its spelling", () => {
  test.each([
    ["names of one's own", ["<|unk|>", "<|cls|>", "<|sep|>", "<|pad|>", "<|mask|>"]],
    ["RoBERTa's", ["<unk>", "<s>", "</s>", "<pad>", "<mask>"]],
    ["usual names in other places", ["[MASK]", "[SEP]", "[CLS]", "[UNK]", "[PAD]"]],
  ])("%s", (_, names) => {
    const tokenizer = read(tokenizerJson(names), configOf(names));
    expect(tokenizer.specialTokens).toEqual(inOrder);
    expect(tokenizer.encode(`the ${names[4]} sat`).tokens).toEqual([names[1], "the", "Ġ", names[4], "Ġsat", names[2]]);
    expect(read(tokenizerJson(names), undefined, configOf(names)).specialTokens).toEqual(inOrder);
    expect(
      Tokenizer.fromJSON(JSON.stringify(tokenizer), { tokenizerConfig: tokenizer.toConfigJSON() }).specialTokens,
    ).toEqual(inOrder);
  });

  test("they stay when tokens are added", () => {
    const names = ["<|unk|>", "<|cls|>", "<|sep|>", "<|pad|>", "<|mask|>"];
    const more = read(tokenizerJson(names), configOf(names)).withTokens(["[MASK]"]);
    expect(more.specialTokens).toEqual(inOrder);
  });
});

const withTwoMasks = (): Json => {
  const two = tokenizerJson() as Json & { added_tokens: AddedJson[] };
  two.added_tokens.push({ ...two.added_tokens[4]!, id: 275, content: "<m2>" });
  return two;
};

describe("of files that contradict each other", () => {
  test("special_tokens_map.json wins where tokenizer_config.json has no added_tokens_decoder", () => {
    expect(read(withTwoMasks(), configOf(usual), { mask_token: "<m2>" }).specialTokens).toEqual({
      ...inOrder,
      mask: 275,
    });
    expect(read(withTwoMasks(), configOf(usual), { mask_token: null }).specialTokens.mask).toBeUndefined();
  });

  test("tokenizer_config.json wins where it has one", () => {
    const config = { ...configOf(usual), added_tokens_decoder: { 4: { content: "[MASK]", ...flags } } };
    expect(read(withTwoMasks(), config, { mask_token: "<m2>" }).specialTokens).toEqual(inOrder);
  });
});

const decoder = (content: string, id: number, lstrip: boolean): Json => ({
  ...configOf(usual),
  added_tokens_decoder: { [id]: { content, ...flags, lstrip } },
});

describe("flags", () => {
  test("of an added_tokens_decoder replace those of the tokenizer.json; ids stay the tokenizer.json's", () => {
    const stripped = ["the", "[MASK]", "Ġsat"];
    const apart = ["the", "Ġ", "[MASK]", "Ġsat"];
    for (const id of [4, 77]) {
      const tokenizer = read(tokenizerJson(usual, { lstrip: false }), decoder("[MASK]", id, true));
      expect(tokensOf(tokenizer, "the [MASK] sat")).toEqual(stripped);
      expect(tokenizer.specialTokens).toEqual(inOrder);
    }
    const kept = read(tokenizerJson(usual, { lstrip: true }), decoder("[MASK]", 4, false));
    expect(tokensOf(kept, "the [MASK] sat")).toEqual(apart);
    expect(tokensOf(Tokenizer.fromJSON(JSON.stringify(kept)), "the [MASK] sat")).toEqual(apart);
  });

  test("a token that only the added_tokens_decoder has takes the next id", () => {
    const tokenizer = read(tokenizerJson(), decoder("<new>", 400, false));
    expect(tokenizer.tokenToId("<new>")).toBe(273);
    expect(tokensOf(tokenizer, "the <new>")).toEqual(["the", "Ġ", "<new>"]);
  });

  test("of a token given as an object count only where the tokenizer.json does not list it as added", () => {
    const mask = { __type: "AddedToken", content: "[MASK]", ...flags, lstrip: true };
    const config = { ...configOf(usual), mask_token: mask };
    expect(tokensOf(read(tokenizerJson(), config), "the [MASK] sat")).toEqual(["the", "Ġ", "[MASK]", "Ġsat"]);
    const unlisted = tokenizerJson() as Json & { added_tokens: AddedJson[] };
    unlisted.added_tokens.pop();
    expect(tokensOf(read(unlisted, config), "the [MASK] sat")).toEqual(["the", "[MASK]", "Ġsat"]);
    expect(tokensOf(read(unlisted, configOf(usual)), "the [MASK] sat")).toEqual(["the", "Ġ", "[MASK]", "Ġsat"]);
    expect(read(unlisted, configOf(usual)).specialTokens).toEqual(inOrder);
  });

  test("further special tokens of the files are added tokens", () => {
    for (const name of ["extra_special_tokens", "additional_special_tokens"]) {
      const tokenizer = read(tokenizerJson(), { ...configOf(usual), [name]: ["the", { content: "<x>", ...flags }] });
      expect(tokensOf(tokenizer, "the<x>[CLS]")).toEqual(["the", "<x>", "[CLS]"]);
      expect(tokenizer.decode(tokenizer.encode("the<x>").ids)).toBe("");
    }
  });
});

const cut = (tokenizer: Tokenizer, side?: "left" | "right"): readonly string[] =>
  tokenizer.encode("the cat sat on", { truncation: { maxLength: 4, ...(side && { side }) } }).tokens;
const padded = (tokenizer: Tokenizer): readonly string[] => tokenizer.encode("the", { padding: { length: 4 } }).tokens;
const jsonWithLeft = (): Json => ({
  ...tokenizerJson(),
  truncation: { direction: "Left", max_length: 4, strategy: "LongestFirst", stride: 0 },
});

describe("sides", () => {
  test("of tokenizer_config.json go before those of the tokenizer.json, and an argument before both", () => {
    const left = read(tokenizerJson(), { ...configOf(usual), truncation_side: "left", padding_side: "left" });
    for (const tokenizer of [left, left.withTokens(["<x>"])]) {
      expect(cut(tokenizer)).toEqual(["[CLS]", "Ġsat", "Ġon", "[SEP]"]);
      expect(cut(tokenizer, "right")).toEqual(["[CLS]", "the", "Ġcat", "[SEP]"]);
      expect(padded(tokenizer)).toEqual(["[PAD]", "[CLS]", "the", "[SEP]"]);
    }
    expect(left.toConfigJSON()).toMatchObject({ truncation_side: "left", padding_side: "left" });
    expect(cut(read(jsonWithLeft()))).toEqual(["[CLS]", "Ġsat", "Ġon", "[SEP]"]);
    const right = read(jsonWithLeft(), { truncation_side: "right" });
    expect(cut(right)).toEqual(["[CLS]", "the", "Ġcat", "[SEP]"]);
    expect(right.encode("the cat sat on").tokens).toEqual(["[CLS]", "the", "Ġcat", "[SEP]"]);
    expect(padded(read(tokenizerJson()))).toEqual(["[CLS]", "the", "[SEP]", "[PAD]"]);
  });
});

describe("where the files say nothing of a role", () => {
  test("they may say that there is none", () => {
    expect(read(tokenizerJson(), { ...configOf(usual), mask_token: null }).specialTokens.mask).toBeUndefined();
  });

  test("the template, the padding and the model show it", () => {
    const names = ["<|unk|>", "<|cls|>", "<|sep|>", "<|pad|>", "<|mask|>"];
    const json = tokenizerJson(names) as Json & { model: Json };
    json["padding"] = {
      strategy: "BatchLongest",
      direction: "Right",
      pad_to_multiple_of: null,
      pad_id: 3,
      pad_type_id: 0,
      pad_token: "<|pad|>",
    };
    json.model["unk_token"] = "<|unk|>";
    expect(read(json).specialTokens).toEqual({ ...inOrder, mask: undefined });
  });

  test("and then the usual names", () => {
    const json = tokenizerJson();
    json["post_processor"] = null;
    expect(read(json).specialTokens).toEqual(inOrder);
    expect(read(json, { model_max_length: 128 }).specialTokens).toEqual(inOrder);
  });
});

describe("a file that cannot be followed is refused by name", () => {
  test.each<[string, TokenizerFiles, string]>([
    ["a token that is nowhere", { tokenizerConfig: { mask_token: "<nowhere>" } }, "tokenizer_config.mask_token"],
    ["one in the map", { specialTokensMap: { cls_token: { content: "<no>" } } }, "special_tokens_map.cls_token"],
    ["a number", { tokenizerConfig: { sep_token: 7 } }, "tokenizer_config.sep_token"],
    ["an object without text", { tokenizerConfig: { pad_token: {} } }, "tokenizer_config.pad_token.content"],
    [
      "special tokens split like words",
      { tokenizerConfig: { split_special_tokens: true } },
      "tokenizer_config.split_special_tokens",
    ],
    ["a third side", { tokenizerConfig: { truncation_side: "both" } }, "tokenizer_config.truncation_side"],
    ["no JSON", { tokenizerConfig: "{\n'" }, "tokenizer_config"],
    ["no object", { specialTokensMap: "[1]" }, "special_tokens_map"],
    [
      "a flag that is none",
      { tokenizerConfig: { added_tokens_decoder: { 4: { content: "[MASK]", lstrip: "yes" } } } },
      "tokenizer_config.added_tokens_decoder.4.lstrip",
    ],
  ])("%s", (_, files, field) => {
    const failing = (): unknown => Tokenizer.fromJSON(tokenizerJson(), files);
    expect(failing).toThrow(TokenizerError);
    expect(failing).toThrow(expect.objectContaining({ field }));
    expect(failing).toThrow(/^\[Tokenizer\.fromJSON\] expected [^\n]+, got:? [^\n]+$/);
  });
});

test("a folder's tokenizer is read from its three files", async () => {
  const names = ["<|unk|>", "<|cls|>", "<|sep|>", "<|pad|>", "<|mask|>"];
  const files: Record<string, string> = {
    "tokenizer.json": JSON.stringify(tokenizerJson(names)),
    "tokenizer_config.json": JSON.stringify({ ...configOf(names), mask_token: undefined }),
    "special_tokens_map.json": JSON.stringify({ mask_token: { content: "<|mask|>", lstrip: true } }),
  };
  const tokenizer = await Tokenizer.fromFolder(async (name) => files[name]);
  expect(tokenizer!.specialTokens).toEqual(inOrder);
  expect(await Tokenizer.fromFolder(async () => undefined)).toBeUndefined();
});
