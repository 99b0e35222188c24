/** Truncation with its overflow, and padding: by hand, and against the reference library. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Truncation, Tokenizer } from "../src/index.ts";
import { loadReference, summaryOf, summaryOfReference } from "./support/reference.ts";
import { texts } from "./support/texts.ts";
import { variants } from "./support/variants.ts";

const RUNS = Number(process.env["RUNS"] ?? 500);
const json = variants["ModernBERT form"]!;
const tokenizer = Tokenizer.fromJSON(json);
const { cls, sep, pad } = tokenizer.specialTokens;
const letters = (text: string): number[] => Array.from(text, (c) => tokenizer.tokenToId(c)!);
const encode = (text: string, truncation: Truncation, pair?: string) =>
  tokenizer.encode(text, { truncation, ...(pair === undefined ? {} : { pair }) });

describe("by hand", () => {
  test("cuts the right side and keeps the rest as overflow", () => {
    const encoding = encode("1 2 3 4 5 6 7".replaceAll(" ", "\t"), { maxLength: 6, stride: 1 });
    expect(Array.from(encoding.ids)).toEqual([cls, ...letters("1ĉ2ĉ"), sep]);
    expect(encoding.overflowing.map((part) => Array.from(part.ids))).toEqual([
      [cls, ...letters("ĉ3ĉ4"), sep],
      [cls, ...letters("4ĉ5ĉ"), sep],
      [cls, ...letters("ĉ6ĉ7"), sep],
    ]);
  });

  test("cuts the left side", () => {
    const encoding = encode("\t1\t2", { maxLength: 5, side: "left" });
    expect(Array.from(encoding.ids)).toEqual([cls, ...letters("1ĉ2"), sep]);
    expect(encoding.overflowing.map((part) => Array.from(part.ids))).toEqual([[cls, ...letters("ĉ"), sep]]);
  });

  test("takes from the longer of two texts first", () => {
    expect(Array.from(encode("\t1\t2\t3", { maxLength: 8 }, "4").ids)).toEqual([
      cls,
      ...letters("ĉ1ĉ2"),
      sep,
      ...letters("4"),
      sep,
    ]);
    const only = encode("\t1\t2\t3", { maxLength: 11, strategy: "only_second" }, "\t4\t5\t6").ids;
    expect(Array.from(only)).toEqual([cls, ...letters("ĉ1ĉ2ĉ3"), sep, ...letters("ĉ4"), sep]);
  });

  test("says what is wrong with its settings", () => {
    expect(() => encode("a b c", { maxLength: 1 })).toThrow(
      "[encode] expected truncation.maxLength to be an integer of at least 2",
    );
    expect(() => encode("\t1\t2\t3", { maxLength: 4, stride: 2 })).toThrow(
      "expected truncation.stride to be an integer from 0 to 1",
    );
    expect(() => encode("\t1\t2\t3", { maxLength: 4, strategy: "only_second" })).toThrow(
      'expected a pair for truncation strategy "only_second"',
    );
    expect(() => encode("\t", { maxLength: 4, strategy: "only_first" }, "\t1\t2\t3")).toThrow(
      "expected the first text to be long enough",
    );
  });

  test("pads a batch to its longest, to a multiple, or to a length", () => {
    const batch = ["\t1", "\t1\t2", ""];
    const lengths = (padding: object): number[] =>
      tokenizer.encodeBatch(batch, { padding }).map((encoding) => encoding.length);
    expect(lengths({})).toEqual([6, 6, 6]);
    expect(lengths({ multipleOf: 8 })).toEqual([8, 8, 8]);
    expect(lengths({ length: 5 })).toEqual([5, 6, 5]);
    const left = tokenizer.encode("1", { padding: { length: 5, side: "left" }, offsets: "byte" });
    expect(Array.from(left.ids)).toEqual([pad, pad, cls, ...letters("1"), sep]);
    expect(Array.from(left.attentionMask)).toEqual([0, 0, 1, 1, 1]);
    expect(Array.from(left.specialTokensMask)).toEqual([1, 1, 1, 0, 1]);
    expect(Array.from(left.sequenceIds)).toEqual([-1, -1, -1, 0, -1]);
    expect(Array.from(left.offsets!)).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
  });
});

const reference = await loadReference();

describe.skipIf(typeof reference === "string")(
  `against the reference${typeof reference === "string" ? ` (skipped: ${reference})` : ""}`,
  () => {
    const names = { longest_first: "LongestFirst", only_first: "OnlyFirst", only_second: "OnlySecond" };
    // The reference ends the process when the stride does not fit between the special tokens.
    const settings = fc
      .record({
        room: fc.integer({ min: 3, max: 24 }),
        stride: fc.nat(4),
        side: fc.constantFrom("left" as const, "right" as const),
        strategy: fc.constantFrom("longest_first" as const, "only_first" as const, "only_second" as const),
      })
      .map(({ room, ...rest }) => ({ maxLength: room + rest.stride, ...rest }));

    test("the same tokens are kept, and the overflow is the whole rest", async () => {
      if (typeof reference === "string") return;
      const theirs = reference.fromJson(JSON.stringify(json));
      const text = texts(["[MASK]"], 5);
      await fc.assert(
        fc.asyncProperty(
          text,
          fc.option(text, { nil: undefined }),
          settings,
          fc.boolean(),
          async (first, second, truncation, addSpecialTokens) => {
            const pair = second === undefined ? {} : { pair: second };
            let ours;
            try {
              ours = tokenizer.encode(first, { ...pair, truncation, addSpecialTokens, offsets: "codepoint" });
            } catch {
              return; // settings that cannot be met end the reference's process; ours are tested by hand
            }
            theirs.setTruncation(truncation.maxLength, {
              direction: truncation.side,
              stride: truncation.stride,
              strategy: names[truncation.strategy],
            });
            const kept = await theirs.encode(first, second ?? null, { addSpecialTokens });
            theirs.disableTruncation();
            // Since 0.23 the reference stops tokenizing near the maximal length. It then loses overflow, and does not know
            // which of two long texts is the longer; what it does with whole encodings shows what is right.
            const lengths = [first, second ?? ""].map((each) =>
              tokenizer.countTokens(each, { addSpecialTokens: false }),
            );
            if (Math.min(...lengths) < truncation.maxLength) {
              expect(summaryOf(ours).ids).toEqual(summaryOfReference(kept).ids);
              expect(summaryOf(ours).offsets).toEqual(summaryOfReference(kept).offsets);
            }
            const parts = [await theirs.encode(first, null, { addSpecialTokens: false })];
            if (second !== undefined) parts.push(await theirs.encode(second, null, { addSpecialTokens: false }));
            parts.forEach((part, i) => {
              const length = ours.sequenceIds.filter((id) => id === i).length;
              part.truncate(length, truncation.stride, truncation.side);
            });
            const whole = theirs.postProcess(parts[0]!, parts[1], addSpecialTokens);
            expect(ours.overflowing.map(summaryOf).map((part) => part.ids)).toEqual(
              whole.getOverflowing().map((part) => part.getIds()),
            );
            expect(ours.overflowing.map(summaryOf).map((part) => part.offsets)).toEqual(
              whole.getOverflowing().map((part) => part.getOffsets()),
            );
          },
        ),
        { numRuns: RUNS },
      );
    });

    test("truncation and padding of a tokenizer.json", async () => {
      if (typeof reference === "string") return;
      const truncation = { direction: "Left", max_length: 9, strategy: "LongestFirst", stride: 2 };
      const fixed = {
        strategy: { Fixed: 12 },
        direction: "Left",
        pad_to_multiple_of: 8,
        pad_id: 3,
        pad_type_id: 1,
        pad_token: "[PAD]",
      };
      const longest = { ...fixed, strategy: "BatchLongest", direction: "Right", pad_to_multiple_of: null };
      for (const padding of [fixed, longest]) {
        const set = { ...json, truncation, padding };
        const [ours, theirs] = [Tokenizer.fromJSON(set), reference.fromJson(JSON.stringify(set))];
        expect(JSON.parse(JSON.stringify(ours))).toMatchObject({ truncation, padding });
        for (const text of ["", "a", "the quick brown fox jumps over the lazy dog"]) {
          expect(summaryOf(ours.encode(text, { offsets: "codepoint" }))).toEqual(
            summaryOfReference(await theirs.encode(text)),
          );
        }
      }
    });
  },
);
