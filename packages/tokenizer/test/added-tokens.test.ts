/** Adding tokens, taking over unused ones, and special tokens. */
import { expect, test } from "vitest";
import { Tokenizer, loadModernBertTokenizer } from "../src/index.ts";
import { loadReference, difference } from "./support/reference.ts";

const tokenizer = await loadModernBertTokenizer();
const reference = await loadReference();

test("new tokens take the next ids", () => {
  const more = tokenizer.withTokens(["<gene>", { content: "<drug>", special: true }]);
  expect([more.tokenToId("<gene>"), more.tokenToId("<drug>"), more.vocabSize]).toEqual([50_368, 50_369, 50_370]);
  expect(more.encode("a <gene>b<drug>", { addSpecialTokens: false }).tokens).toEqual([
    "a",
    "Ġ",
    "<gene>",
    "b",
    "<drug>",
  ]);
  expect(more.decode([50_368, 50_369])).toBe("<gene>");
  expect(more.decode([50_368, 50_369], { skipSpecialTokens: false })).toBe("<gene><drug>");
  expect(tokenizer.encode("<gene>").tokens, "the tokenizer it came from does not change").not.toContain("<gene>");
});

test("or the ids of unused ones, so that the embedding table fits", () => {
  const names = Array.from({ length: 84 }, (_, i) => `<tag${i}>`);
  const more = tokenizer.withTokens(names, { reuseUnused: true });
  expect(names.slice(0, 83).map((name) => more.tokenToId(name))).toEqual(
    Array.from({ length: 83 }, (_, i) => 50_285 + i),
  );
  expect(more.tokenToId("<tag83>")).toBe(50_368);
  expect(more.tokenToId("[unused0]")).toBeUndefined();
  expect(more.encode("<tag7>", { addSpecialTokens: false }).ids).toEqual(Int32Array.of(50_292));
});

test("known tokens keep their ids and take the new settings", () => {
  const more = tokenizer.withTokens([
    { content: "[MASK]", special: true, lstrip: false },
    " the",
    "Ġthe",
    "twice",
    "twice",
  ]);
  expect(more.tokenToId("[MASK]")).toBe(50_284);
  expect(more.encode("a [MASK]", { addSpecialTokens: false }).tokens).toEqual(["a", "Ġ", "[MASK]"]);
  expect(more.tokenToId("Ġthe")).toBe(tokenizer.tokenToId("Ġthe"));
  expect(more.vocabSize).toBe(50_370);
});

test("an empty token is refused", () => {
  expect(() => tokenizer.withTokens([""])).toThrow("[withTokens] expected a text of one character or more");
});

test.skipIf(typeof reference === "string")(
  `the reference reads the result${typeof reference === "string" ? ` (skipped: ${reference})` : ""}`,
  async () => {
    if (typeof reference === "string") return;
    for (const reuseUnused of [true, false]) {
      const more = tokenizer.withTokens(
        ["<gene>", { content: "<drug>", special: true, rstrip: true }, { content: "gap", singleWord: true }],
        { reuseUnused },
      );
      const json = JSON.stringify(more);
      for (const text of ["<gene> x <drug>  y gap gapped", "[unused0] [unused1] [unused2]<gene><drug>"]) {
        expect(await difference(more, reference.fromJson(json), text)).toBeUndefined();
        expect(Tokenizer.fromJSON(json).encode(text).ids).toEqual(more.encode(text).ids);
      }
    }
  },
);
