/** A run's folder with numbers that look like those of a run, without training anything. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { maskedLmObjective } from "@modernbert-ts/training";
import type { TrainingEvent } from "@modernbert-ts/training";
import type { RunSummary } from "../../src/run-folder.ts";
import { tinyConfig } from "../support.ts";

const stepTokens = 4_718_592;

export function fakeEvents(steps: number): TrainingEvent[] {
  const events: TrainingEvent[] = [];
  for (let step = 1; step <= steps; step++) {
    const noise = Math.sin(step * 12.9898) * 0.1;
    const common = { step, tokens: step * stepTokens * 0.995, seconds: step * 2 };
    events.push({
      kind: "step",
      ...common,
      loss: 2 + 9 / (1 + step / 50) + noise,
      metrics: { maskedAccuracy: 0.6 - 0.6 / (1 + step / 80) + noise / 10 },
      learningRate: 8e-4 * Math.min(1, step / 300),
      gradientNorm: 1.5 + noise,
      lossScale: 1,
      packingEfficiency: 0.992 + noise / 20,
      weight: Math.round(stepTokens * 0.995 * (0.3 + noise / 100)),
      tokensPerSecond: 2_300_000 * (1 + noise),
    });
    if (step % Math.max(10, Math.floor(steps / 12)) === 0)
      events.push({
        kind: "evaluation",
        ...common,
        loss: 2.1 + 9 / (1 + step / 50),
        metrics: { maskedAccuracy: 0.62 - 0.6 / (1 + step / 80) },
        weight: 15_000,
        sources: {
          web: 2.2 + 9 / (1 + step / 50),
          code: 1.4 + 8 / (1 + step / 40),
          science: 2.4 + 7 / (1 + step / 70),
        },
      });
  }
  return events;
}

export function fakeRun(output: string, steps: number): void {
  mkdirSync(output, { recursive: true });
  const events = fakeEvents(steps);
  const { name, lossUnit, metrics } = maskedLmObjective;
  const summary: RunSummary = {
    version: 2,
    parameters: 149_655_232,
    shape: { layers: 22, hiddenSize: 768, heads: 12, intermediateSize: 1152, vocabSize: 50_368 },
    backend: "CUDA, NVIDIA H100 80GB HBM3",
    totalTokens: 1.719e12,
    tokensPerStep: stepTokens,
    trainTokens: 2e12,
    trainDocuments: 4e9,
    validationTokens: 1e6,
    objective: { name, lossUnit, metrics },
    flops: [{ startTokens: 0, perToken: 220e6, perScored: 78e6 }],
    peakFlops: 8 * 989e12,
    baselines: [
      { name: "unigram", of: "loss", value: 7.2 },
      { name: "most frequent token", of: "maskedAccuracy", value: 0.04 },
    ],
    config: tinyConfig(output),
  };
  writeFileSync(join(output, "run.json"), JSON.stringify(summary));
  writeFileSync(join(output, "metrics.jsonl"), events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  const samples = events
    .filter((event) => event.kind === "evaluation")
    .map(({ step, tokens }) => ({
      step,
      tokens,
      samples: ["The capital of France is [MASK].", "<b>He</b> opened the [MASK] and [MASK] in."].map((text) => ({
        text,
        masks: Array.from({ length: text.split("[MASK]").length - 1 }, () =>
          ["Paris", "Lyon", " <i>", "Marseille", "Nice"].map((token, at) => ({ token, score: 0.6 / (at + 1) })),
        ),
      })),
    }));
  writeFileSync(join(output, "samples.jsonl"), samples.map((record) => `${JSON.stringify(record)}\n`).join(""));
}
