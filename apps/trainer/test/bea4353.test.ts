/** A run, its data and its checkpoint as commit bea4353 wrote them: read, gone on from, and finished as it finished there. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readMetrics } from "@modernbert-ts/training";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { readConfig } from "../src/config/read-config.ts";
import { readRunSummary } from "../src/run-folder.ts";
import { runTraining } from "../src/run/run-training.ts";

const fixture = fileURLToPath(new URL("fixtures/bea4353/", import.meta.url));

test("a run of bea4353 goes on from its checkpoint with the same numbers", async () => {
  const folder = mkdtempSync(join(tmpdir(), "modernbert-bea4353-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(fixture, folder, { recursive: true });
  const metrics = join(folder, "run", "metrics.jsonl");
  const wanted = readMetrics(metrics);
  expect(wanted[0]).toMatchObject({ kind: "step", metrics: { maskedAccuracy: expect.any(Number) } });
  expect(readRunSummary(join(folder, "run"))).toMatchObject({
    objective: { name: "masked_lm" },
    baselines: [{ of: "loss" }, { of: "maskedAccuracy" }],
  });
  expect(parse(readFileSync(join(folder, "config.yaml"), "utf8"))).not.toHaveProperty("objective");

  const config = readConfig(join(folder, "config.yaml"), [
    `output=${join(folder, "run")}`,
    `data.path=${join(folder, "data")}`,
  ]);
  const { score } = await runTraining(config, {
    resume: "auto",
    onNotice: () => undefined,
    onStart: () => () => undefined,
  });
  const numbers = (events: typeof wanted): unknown[] =>
    events.flatMap((event) =>
      event.kind === "checkpoint" ? [] : [[event.kind, event.step, event.loss, event.metrics]],
    );
  expect(numbers(readMetrics(metrics))).toEqual(numbers(wanted));
  expect(score).toMatchObject({ loss: wanted.findLast((event) => event.kind === "evaluation")!.loss });
});
