/** A run that ends once its evaluations get no better: which checkpoint its model is, and what cannot be asked for. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { maskedLmObjective, readMetrics } from "@modernbert-ts/training";
import { expect, test } from "vitest";
import { checkpointAt } from "../src/run/output/export-model.ts";
import { openData } from "../src/run/plan/open-data.ts";
import { planOf } from "../src/run/plan/plan.ts";
import { runTraining } from "../src/run/run-training.ts";
import { corpusFolder, quiet, tinyConfig } from "./support.ts";

const evaluation = { every: "2 steps", tokens: 200, metric: "maskedAccuracy", patience: 2 };

test("model/ and export are the best checkpoint, by the metric that is named", async () => {
  const folder = await corpusFolder();
  const notices: string[] = [];
  const options = { ...quiet, onNotice: (line: string) => notices.push(line) };
  // Too fast to get better for long.
  const config = tinyConfig(folder, { evaluation, optimizer: { learning_rate: 0.3 }, length: "10k tokens" });
  const { best, exported, modelFolder, step } = await runTraining(config, options);
  const evaluations = readMetrics(join(folder, "run", "metrics.jsonl")).filter((event) => event.kind === "evaluation");
  const accuracies = evaluations.map(({ metrics }) => metrics["maskedAccuracy"]!);
  const at = accuracies.indexOf(Math.max(...accuracies));
  expect(best).toMatchObject({ value: accuracies[at], step: evaluations[at]!.step, evaluationsSince: 2 });
  expect(evaluations).toHaveLength(at + 3);
  expect(step).toBe(evaluations.at(-1)!.step);
  expect(notices.at(-1)).toContain("stopping early: 2 evaluations in a row were no better than maskedAccuracy 0.");
  const weights = [exported!, modelFolder!].map((path) => readFileSync(join(path, "model.safetensors")));
  expect(weights[0]!.equals(weights[1]!)).toBe(true);
  expect(exported).toContain(`step-${String(best!.step).padStart(8, "0")}`);
  expect(await checkpointAt(join(folder, "run"), () => undefined)).toBe(exported);
});

test("refuses a metric that there is not, and patience without anything to go by or before the last phase", async () => {
  const folder = await corpusFolder();
  const wrong = tinyConfig(folder, { evaluation: { ...evaluation, metric: "maskedAcuracy" } });
  await expect(runTraining(wrong, quiet)).rejects.toThrow(
    "expected evaluation.metric to be one of loss, maskedAccuracy, got maskedAcuracy (did you mean maskedAccuracy?)",
  );
  const phases = [{ name: "a", evaluation: { patience: 1 } }, { name: "b" }];
  await expect(runTraining(tinyConfig(folder, { phases }), quiet)).rejects.toThrow(
    "expected evaluation.patience in the last phase only, got it in a",
  );
  const alone = tinyConfig(folder, { evaluation });
  const data = await openData(alone, maskedLmObjective, () => undefined);
  const start = { startTokens: 0, maxLearningRate: 1 };
  expect(() => planOf(alone, maskedLmObjective, { ...data, validation: undefined }, start)).toThrow(
    "expected validation data for evaluation.patience to go by, got none",
  );
});
