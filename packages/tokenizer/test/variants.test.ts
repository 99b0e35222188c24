/** Every supported kind of tokenizer.json against the reference library, on random texts and pairs. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Tokenizer } from "../src/index.ts";
import { difference, loadReference } from "./support/reference.ts";
import { texts } from "./support/texts.ts";
import { variants } from "./support/variants.ts";

const RUNS = Number(process.env["RUNS"] ?? 300);
/** Texts that random ones seldom are. */
const corners = [
  "<right>  <left>",
  "a<both> \n<left> b",
  " qq text",
  "word sword words word",
  "aab aaab",
  "  <right>\t\n  x",
  "a\u0305\u0301",
];
/** Its offsets drift in the reference after a byte that was passed over; see below. */
const lackingBytes = "bytes that the vocabulary lacks";
const reference = await loadReference();

describe.skipIf(typeof reference === "string")(
  `equal to the reference${typeof reference === "string" ? ` (skipped: ${reference})` : ""}`,
  () => {
    for (const [name, json] of Object.entries(variants)) {
      if (name === lackingBytes) continue;
      test(name, async () => {
        if (typeof reference === "string") return;
        const ours = Tokenizer.fromJSON(json);
        const theirs = reference.fromJson(JSON.stringify(json));
        const saved = reference.fromJson(JSON.stringify(ours));
        const text = texts(
          [
            ...ours.addedTokens.map((token) => token.content),
            "word",
            "Word",
            "aa",
            "aab",
            "ÉÉ",
            "éé",
            "e\u0301",
            "E\u0301",
          ],
          8,
        );
        await fc.assert(
          fc.asyncProperty(text, fc.option(text, { nil: undefined }), fc.boolean(), async (first, second, special) => {
            expect(await difference(ours, theirs, first, second, special)).toBeUndefined();
            expect(await difference(ours, saved, first, second, special)).toBeUndefined();
          }),
          { numRuns: RUNS, examples: corners.map((corner) => [corner, "", true] as [string, string, boolean]) },
        );
      });
    }

    test(`${lackingBytes}: ids`, async () => {
      if (typeof reference === "string") return;
      const [ours, theirs] = [
        Tokenizer.fromJSON(variants[lackingBytes]!),
        reference.fromJson(JSON.stringify(variants[lackingBytes])),
      ];
      await fc.assert(
        fc.asyncProperty(texts(["Z", "XQ", "aZ"], 8), async (text) => {
          expect(Array.from(ours.encode(text).ids)).toEqual((await theirs.encode(text)).getIds());
        }),
        { numRuns: RUNS, examples: [["aZ aZ bXQ ZQ ŹZ"]] },
      );
    });
  },
);
