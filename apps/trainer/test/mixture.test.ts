import fs from "node:fs";
import { join } from "node:path";
import { readMetrics } from "@modernbert-ts/training";
import { expect, test } from "vitest";
import { prepare } from "../src/commands/prepare.ts";
import { readRunSummary } from "../src/run-folder.ts";
import { runTraining } from "../src/run/run-training.ts";
import { scalarsOf } from "../src/tracking/scalars.ts";
import { corpusText, prepareCorpus, quiet, temporaryFolder, tinyConfig, tinyFields } from "./support.ts";

/** Two prepared folders with one tokenizer. */
async function twoSources(folder: string): Promise<object[]> {
  const web = await prepareCorpus(folder);
  const books = join(folder, "books");
  const text = join(folder, "books.txt");
  fs.writeFileSync(text, corpusText(30).split("\n\n").reverse().join("\n\n"));
  const settings = {
    vocabSize: 280,
    validation: 0.2,
    seed: 1,
    split: "blank-line",
    onNotice: () => undefined,
  } as const;
  await prepare({ inputs: [text], output: books, tokenizer: web, ...settings });
  return [
    { name: "web", path: web, weight: 1, language: "en" },
    { name: "books", path: books, weight: 3 },
  ];
}

test("a run on two sources reads them as weighted, says so in every step, and goes on exactly", async () => {
  const folder = temporaryFolder();
  const data = { sources: await twoSources(folder), max_length: 32 };
  const whole = tinyConfig(folder, { data, output: join(folder, "whole") });
  await runTraining(whole, quiet);
  const steps = readMetrics(join(folder, "whole", "metrics.jsonl")).flatMap((event) =>
    event.kind === "step" ? [event] : [],
  );
  const tokens = { web: 0, books: 0 };
  for (const { sourceTokens, loaderWait } of steps) {
    tokens.web += sourceTokens!["web"]!;
    tokens.books += sourceTokens!["books"]!;
    expect(loaderWait).toBeGreaterThanOrEqual(0);
  }
  expect(Math.abs(tokens.books / (tokens.web + tokens.books) - 0.75)).toBeLessThan(0.1);
  const { sources } = readRunSummary(join(folder, "whole"));
  expect(sources!.map(({ name, language }) => [name, language])).toEqual([
    ["web", "en"],
    ["books", undefined],
  ]);

  const scores = readMetrics(join(folder, "whole", "metrics.jsonl")).filter((event) => event.kind === "evaluation");
  expect(scores.length).toBeGreaterThan(1);
  for (const score of scores) {
    expect(Object.keys(score.sources!)).toEqual(["books", "web"]);
    const { books, web } = score.sources as { books: number; web: number };
    // The loss of all lies between theirs, as a mean weighted by what was scored of each.
    const share = (score.loss - books) / (web - books);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    expect(scalarsOf(score)).toMatchObject({ "held_out_loss/web": web, "held_out_loss/books": books });
  }
  expect(fs.readFileSync(join(folder, "whole", "report.html"), "utf8")).toContain("Held-out loss by source");

  const parts = tinyConfig(folder, { data, output: join(folder, "parts") });
  const stopped = await runTraining(parts, { ...quiet, onStart: ({ stop }) => stop });
  expect(stopped.reason).toBe("stopped");
  await runTraining(parts, { ...quiet, resume: "auto" });
  const weights = (run: string): Buffer => fs.readFileSync(join(folder, run, "model", "model.safetensors"));
  expect(weights("parts").equals(weights("whole"))).toBe(true);
});

test("what cannot be mixed is refused by the name of its field", async () => {
  const folder = temporaryFolder();
  const [web, books] = (await twoSources(folder)) as [object, object];
  const config = (data: object) => tinyConfig(folder, { ...tinyFields(folder), data: { max_length: 32, ...data } });
  expect(() => config({})).toThrow("data.path: expected the folder that `prepare` made, or sources, got neither");
  expect(() => config({ path: "x", sources: [web] })).toThrow("data.path: expected path or sources, got both");
  expect(() => config({ sources: [web, web] })).toThrow(
    "data.sources: expected a name of its own for each, got web twice",
  );
  expect(() => config({ sources: [web, books], temperature: 0.5 })).toThrow("data.temperature: expected weights or");
  expect(() => config({ sources: [web, { ...books, weight: undefined }] })).toThrow("got 1 for 2");
  expect(() => config({ sources: [{ ...web, langauge: "en" }] })).toThrow(
    "unknown key data.sources.0.langauge: did you mean language?",
  );
});

test("sources of two tokenizers are refused", async () => {
  const folder = temporaryFolder();
  const [web] = await twoSources(folder);
  const text = join(folder, "corpus.txt");
  const output = join(folder, "stranger");
  const settings = {
    vocabSize: 300,
    validation: 0.2,
    seed: 1,
    split: "blank-line",
    onNotice: () => undefined,
  } as const;
  await prepare({ inputs: [text], output, tokenizer: "train", ...settings });
  const data = { sources: [web, { name: "stranger", path: output, weight: 1 }], max_length: 32 };
  await expect(runTraining(tinyConfig(folder, { data }), quiet)).rejects.toThrow(
    /expected one tokenizer for all sources, got others in .*data and .*stranger: prepare one with --tokenizer/,
  );
});
