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
const reference = await loadReference();

describe.skipIf(typeof reference === "string")(
  `equal to the reference${typeof reference === "string" ? ` (skipped: ${reference})` : ""}`,
  () => {
    for (const [name, json] of Object.entries(variants)) {
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
  },
);
