/** Sections that train, whole, on a text of a few thousand words: every run's configuration is one that the trainer takes. */
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Corpora } from "../src/data/corpora.ts";
import { compare } from "../src/run/compare.ts";
import { ablationsSectionOf } from "../src/sections/ablations/ablations.ts";
import { bases, choices } from "../src/sections/ablations/choices.ts";
import { qualitySectionOf } from "../src/sections/quality/quality.ts";
import { bestOf } from "../src/sections/quality/rates.ts";
import { rtdSectionOf } from "../src/sections/rtd/rtd.ts";
import { temporaryFolder } from "./support/fake.ts";

const words = ["the", "a", "cat", "dog", "sat", "ran", "on", "in", "mat", "park", "sun", "warm", "is", "was"];
const tags = ["at", "at", "nn", "nn", "vbd", "vbd", "in", "in", "nn", "nn", "nn", "jj", "bez", "bedz"];
const line = (seed: number, length: number): number[] =>
  Array.from({ length }, (_, at) => (seed * 7 + at * at * 3 + at * seed) % words.length);
const text = (seed: number, length: number): string =>
  line(seed, length)
    .map((at) => words[at])
    .join(" ");
const file = (seed: number) => ({ name: `ca${seed}`, genre: "a", text: text(seed, 400) });
const sentence = (seed: number) => ({
  tokens: line(seed, 9).map((at) => words[at]!),
  tags: line(seed, 9).map((at) => tags[at]!),
});
const mail = (seed: number) =>
  seed % 3 === 0
    ? ({ text: `buy now ${text(seed, 20)}`, label: "spam" } as const)
    : ({ text: text(seed, 20), label: "ham" } as const);
const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

const corpora: Corpora = {
  brown: () => ({ train: numbers(12).map(file), heldOut: [file(20), file(21)] }),
  taggedBrown: () => ({ train: numbers(30).map(sentence), heldOut: numbers(10).map((at) => sentence(at + 40)) }),
  mails: () => ({ train: numbers(24).map(mail), heldOut: numbers(9).map((at) => mail(at + 30)) }),
  code: () => ({ source: "none", texts: [] }),
};

test("quality, ablations and replaced tokens", { timeout: 180_000 }, async () => {
  const quality = qualitySectionOf({
    quick: {
      tokens: 2048,
      sentences: 20,
      mailEpochs: 1,
      whole: true,
      equalTime: true,
      rates: { tried: [1e-3, 3e-3], tokens: 1024 },
    },
    standard: { tokens: 0, sentences: 0, mailEpochs: 0, whole: false, equalTime: false },
    full: { tokens: 0, sentences: 0, mailEpochs: 0, whole: false, equalTime: false },
  });
  const ablations = ablationsSectionOf({ quick: 1024 });
  const rtd = rtdSectionOf({ quick: { tokens: 1024, trial: 1024, sentences: 20 } });
  const sections = [quality, { ...ablations, minutes: { quick: 1 } }, { ...rtd, minutes: { quick: 1 } }];
  const out = join(temporaryFolder(), "out");
  const options = { out, level: "quick", threads: 2, sections, corpora } as const;
  const first = await compare(options);
  const [qualityRecords, rtdRecords] = [1 + 2 * 2 + 3, 5 + 5];
  expect(first).toMatchObject({ measured: qualityRecords + bases.length + choices.length + rtdRecords, found: 0 });
  const again = await compare(options);
  expect(again).toMatchObject({ measured: 0, found: first.measured });
});

test("each model has the learning rate of its least held-out loss", () => {
  const trials = [
    [1e-3, 5],
    [3e-3, 4],
    [6e-3, null],
  ] as const;
  const records = trials.map(([rate, loss]) => ({ rate, trial: { tokens: 1, seconds: 1, loss, accuracy: null } }));
  expect(bestOf(records.map((each) => ({ model: "bert", ...each })))).toBe(3e-3);
});
