#!/usr/bin/env node
/**
 * What `npm run quickstart` runs once everything is installed and built: from raw text to a trained ModernBERT that answers, on
 * this machine's CPU. Read it top to bottom: it is also the shortest example of the trainer.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createBackend } from "@modernbert-ts/backends";
import { fillMask, openPipeline } from "@modernbert-ts/pipelines";
import { formatCount, formatDuration } from "../format.ts";
import { createProgress } from "../progress.ts";
import type { Progress } from "../progress.ts";
import { readRunSummary } from "../run-folder.ts";
import { runTraining } from "../run/run-training.ts";
import { readBrownCorpus } from "../corpora/brown.ts";
import { splitByGenre } from "../corpora/by-genre.ts";
import { writeBrownData } from "./brown-data.ts";
import { quickstartConfig, quickstartVocabulary } from "./plan.ts";
import { filledLines, nextCommands, scoreTable } from "./summary.ts";

const say = (text: string = ""): void => void process.stdout.write(`${text}\n`);

const heldOutShare = 0.06;

const questions = [
  "He opened the [MASK] and walked in.",
  "The President of the United [MASK] spoke yesterday.",
  "She did not [MASK] what to say.",
];

async function quickstart(output: string): Promise<void> {
  const began = performance.now();
  const hasNative = await findNative();
  const data = join(output, "data");
  const config = quickstartConfig(hasNative ? "native" : "portable", output, data);
  rmSync(output, { recursive: true, force: true });

  say("1. Text: the Brown corpus, American English of 1961");
  const { files, tokens } = writeBrownData({
    folder: data,
    vocabSize: quickstartVocabulary,
    parts: splitByGenre(readBrownCorpus(), heldOutShare, config.seed),
    about: { heldOutShare, seed: config.seed },
  });
  say(
    `   ${files.train} files to learn from (${formatCount(tokens.train)} tokens), ${files.heldOut} files held out, some of every genre`,
  );
  say(
    `   vocabulary: ${formatCount(quickstartVocabulary)} pieces learned from these files. ModernBERT's own 50,368 cost more`,
  );
  say("   time in the output layer than they are worth in two minutes; --tokenizer modernbert is there for real runs");

  say("2. Training: one to three minutes on two cores");
  if (!hasNative)
    say(
      "   on less text than usual, because the native engine is missing: install a C compiler (cc, gcc or clang) for it",
    );
  let progress: Progress | undefined;
  const result = await runTraining(config, {
    onNotice: (notice) => say(`   ${notice}`),
    onStart: ({ plan: { totalTokens }, objective }) => {
      progress = createProgress({ totalTokens, metrics: objective.metrics });
      return progress.onEvent;
    },
  }).finally(() => progress?.stop());

  const { parameters, baselines } = readRunSummary(output);
  say(`   ${formatCount(parameters)} parameters, ${result.step} steps, ${formatDuration(result.seconds)}`);
  say("3. What it learned: tokens hidden in files that it never saw");
  say(scoreTable(result.score!, result.objective, baselines));

  say("4. Filling in blanks");
  await using pipeline = await openPipeline(result.modelFolder!, { backend: "cpu" });
  const answers = await fillMask(pipeline, questions, { topK: 4 });
  for (const [at, question] of questions.entries()) say(filledLines(question, answers[at]![0]!));

  say(
    `\nDone in ${formatDuration((performance.now() - began) / 1000)}. The curves are in ${result.report}, the model in ${result.modelFolder}.`,
  );
  say(nextCommands(result.modelFolder!));
}

/** Whether the CPU backend takes its native engine on this machine. */
async function findNative(): Promise<boolean> {
  const { backend } = await createBackend("cpu");
  await using owned = backend;
  return owned.capabilities.device.includes("native");
}

try {
  const [unexpected] = process.argv.slice(2);
  if (unexpected !== undefined)
    throw new Error(`expected no arguments, got ${unexpected}; modernbert-train has options`);
  await quickstart(join("runs", "quickstart"));
} catch (error) {
  process.stderr.write(`quickstart: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
