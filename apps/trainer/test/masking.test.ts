import { expect, test } from "vitest";
import { loadModernBertTokenizer } from "@modernbert-ts/tokenizer";
import { maskedLmObjective, wordEdges } from "@modernbert-ts/training";
import { settingsOf } from "../src/config/objective-settings.ts";
import type { TrainerConfig } from "../src/config/config.ts";
import { wordEdgesOf } from "../src/run/data/word-edges.ts";
import { temporaryFolder, tinyConfig } from "./support.ts";

test("a schedule of the mask rate is read in shares of the length, and the evaluation keeps its own rate", () => {
  const probability = [
    { from: 0, value: 0.3 },
    { from: "60%", value: 0.15 },
    { from: "900 tokens", value: 0.05 },
  ];
  const config = tinyConfig(temporaryFolder(), { masking: { probability, replacement: "mask" } });
  const { training, evaluation } = settingsOf(config, maskedLmObjective, 1000);
  expect(training["probability"]).toEqual([
    { from: 0, value: 0.3 },
    { from: 600, value: 0.15 },
    { from: 900, value: 0.05 },
  ]);
  expect(training["replacement"]).toBe("mask");
  expect(evaluation["probability"]).toBe(0.15);
});

const masking = (section: object): TrainerConfig => tinyConfig(temporaryFolder(), { masking: section });
const settings = (probability: unknown): unknown => settingsOf(masking({ probability }), maskedLmObjective, 1000);

test("schedules that cannot be are refused by the name of their field", () => {
  const late = [
    { from: 0, value: 0.3 },
    { from: "2000 tokens", value: 0.15 },
    { from: "50%", value: 0.05 },
  ];
  expect(() => settings(late)).toThrow(
    "masking.probability: expected steps that begin at 0 and rise, got 0, 2000 tokens, 50%",
  );
  expect(() => settings([{ from: "10%", value: 0.3 }])).toThrow("masking.probability: expected steps that begin at 0");
  expect(() => settings([{ at: 0, value: 0.3 }])).toThrow(
    "masking.probability: expected a share such as 0.3, or steps",
  );
  expect(() => settings(1.5)).toThrow("masking.probability: Too big: expected number to be <=1");
  expect(() => masking({ changes: "linea" })).toThrow(
    "masking.changes: expected one of stepwise, linear (did you mean linear?)",
  );
});

test("the built-in vocabulary says where words begin", async () => {
  const tokenizer = await loadModernBertTokenizer();
  const edges = wordEdgesOf(tokenizer);
  const words = (text: string): string[] => {
    const ids = [...tokenizer.encode(text, { addSpecialTokens: false }).ids];
    return ids.reduce<string[]>((list, id, at) => {
      const goesOn = at > 0 && edges[id]! & wordEdges.continues && edges[ids[at - 1]!]! & wordEdges.open;
      return goesOn
        ? [...list.slice(0, -1), `${list.at(-1)}+${tokenizer.decode([id])}`]
        : [...list, tokenizer.decode([id])];
    }, []);
  };
  // [MASK] decodes to nothing; each line break is a token.
  const list = words("Unquestionably, electroencephalography's 12345 naïveté[MASK]ism.\n\nNew words");
  expect(list.map((word) => word.replaceAll("+", "").trim())).toEqual([
    "Unquestionably",
    ",",
    "electroencephalography",
    "'s",
    "12345",
    "naïveté",
    "",
    "ism",
    ".",
    "",
    "",
    "New",
    "words",
  ]);
  expect(list.some((word) => word.includes("+"))).toBe(true);
});
