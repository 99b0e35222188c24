/** Phases: what each changes and what it carries on, where a resume lands, and what is refused before the first begins. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openCheckpoint, readMetrics, trainingStateOf } from "@modernbert-ts/training";
import { describe, expect, test } from "vitest";
import { checkConfig } from "../src/config/read-config.ts";
import { phaseToGoOn, planPhases } from "../src/run/plan/phases.ts";
import { runTraining } from "../src/run/run-training.ts";
import { maskedLmObjective } from "@modernbert-ts/training";
import { corpusFolder, quiet, tinyConfig, tinyFields } from "./support.ts";

const phases = [
  {
    name: "pretrain",
    length: "700 tokens",
    data: { max_length: 16 },
    schedule: { kind: "wsd", warmup: "300 tokens", decay: 0 },
  },
  {
    name: "extension",
    length: "500 tokens",
    model: { global_rope_theta: 160_000 },
    optimizer: { learning_rate: 0.003, weight_decay: 1e-6 },
  },
  {
    name: "decay",
    length: "600 tokens",
    model: { global_rope_theta: 160_000 },
    optimizer: { learning_rate: 0.003 },
    schedule: { kind: "wsd", warmup: 0, decay: "100%", final: 0.1 },
  },
];
const changes = {
  phases,
  model: { ...(tinyFields("")["model"] as object), global_rope_theta: 10_000 },
  schedule: { kind: "constant", warmup: 0 },
  checkpoints: { every: "2 steps", keep: 100 },
};

const bits = (checkpoint: string): Buffer[] =>
  ["model.safetensors", "optimizer.safetensors"].map((name) => readFileSync(join(checkpoint, name)));

describe("three phases", () => {
  test("change length, base of the angles and rate, carry the moments on, and a resume gives the same bits", async () => {
    const folder = await corpusFolder();
    const starts: string[] = [];
    const whole = await runTraining(tinyConfig(folder, { ...changes, output: join(folder, "whole") }), {
      ...quiet,
      onStart: ({ phase: { name, number, count }, totalTokens }) => {
        starts.push(`${name} ${number}/${count} ${totalTokens}`);
        return () => undefined;
      },
    });
    expect(starts).toEqual(["pretrain 1/3 1800", "extension 2/3 1800", "decay 3/3 1800"]);
    expect(whole.tokens).toBeGreaterThanOrEqual(1800);
    const checkpoints = join(folder, "whole", "checkpoints");
    const states: { name: string; phase: number | undefined; tokens: number; step: number }[] = [];
    for (const name of readdirSync(checkpoints).sort()) {
      const checkpoint = await openCheckpoint(join(checkpoints, name));
      const { phase, progress } = trainingStateOf(checkpoint);
      const { global_rope_theta: theta } = JSON.parse(readFileSync(join(checkpoint.path, "config.json"), "utf8")) as {
        global_rope_theta: number;
      };
      expect(theta).toBe(phase === 0 ? 10_000 : 160_000);
      states.push({ name, phase, tokens: progress.tokens, step: progress.step });
    }
    const boundary = states.filter(({ phase }, at) => states[at + 1] && states[at + 1]!.phase !== phase);
    expect(boundary.map(({ tokens }) => [700, 1200].filter((end) => tokens >= end).length)).toEqual([1, 2]);

    const steps = readMetrics(join(folder, "whole", "metrics.jsonl")).filter(({ kind }) => kind === "step");
    const rates = steps.map((event) => event.kind === "step" && event.learningRate);
    expect(steps.map(({ step }) => step)).toEqual(steps.map((_, at) => at + 1));
    const [first, second] = boundary.map(({ step }) => step) as [number, number];
    expect(rates.slice(first, second)).toEqual(Array(second - first).fill(0.003));
    expect(rates[first - 1]).toBe(0.01);
    expect(rates[second]).toBeLessThanOrEqual(0.003);
    expect(rates.at(-1)).toBeLessThan(0.002);

    for (const [at, { name }] of states.entries()) {
      if (at !== 1 && !boundary.some((one) => one.name === name)) continue;
      const output = join(folder, `from-${name}`);
      const again = await runTraining(tinyConfig(folder, { ...changes, output }), {
        ...quiet,
        resume: join(checkpoints, name),
      });
      expect(again.step).toBe(whole.step);
      expect(bits(again.checkpoint!)).toEqual(bits(whole.checkpoint!));
    }
  }, 300_000);

  test("stop where they are told to, also at the end of a phase, and go on", async () => {
    const folder = await corpusFolder();
    const whole = await runTraining(tinyConfig(folder, { ...changes, output: join(folder, "whole") }), quiet);
    const config = tinyConfig(folder, changes);
    let stops = 0;
    for (const tokens of [690, 1300]) {
      const { reason } = await runTraining(config, {
        ...quiet,
        resume: "auto",
        onStart:
          ({ stop }) =>
          (event) =>
            void (event.kind === "step" && event.tokens >= tokens && stop()),
      });
      if (reason === "stopped") stops++;
    }
    expect(stops).toBe(2);
    const last = await runTraining(config, { ...quiet, resume: "auto" });
    expect(last.reason).toBe("finished");
    expect(bits(last.checkpoint!)).toEqual(bits(whole.checkpoint!));
  }, 300_000);

  test("draw documents in an order of their own, and decay by the peak of the first", async () => {
    const folder = await corpusFolder();
    const [first, second, third] = await planPhases(tinyConfig(folder, changes), maskedLmObjective, () => undefined);
    expect([first, second, third].map((phase) => phase!.config.seed)).toEqual([17, 18, 19]);
    expect([first, second, third].map((phase) => phase!.startTokens)).toEqual([0, 700, 1200]);
    expect([first, second].map((phase) => phase!.plan.optimizer.maxLearningRate)).toEqual([0.01, 0.01]);
    expect([first, second].map((phase) => phase!.plan.optimizer.weightDecay)).toEqual([1e-5, 1e-6]);
    const at = (phase: number | undefined, tokens: number): string =>
      phaseToGoOn([first!, second!, third!], {
        ...(phase === undefined ? {} : { phase }),
        progress: { step: 1, tokens, seconds: 1 },
      }).name;
    expect([at(undefined, 699), at(0, 700), at(1, 710), at(1, 1200), at(2, 5000)]).toEqual([
      "pretrain",
      "extension",
      "extension",
      "decay",
      "decay",
    ]);
    expect(() => at(3, 10)).toThrow("the checkpoint stands in phase 4, and the configuration has 3");
    expect(() => at(2, 1000)).toThrow("stands in phase decay at 1000 tokens, where that phase begins at 1200");
  });
});

test.each([
  [[{ output: "x" }], "phases.0: output cannot differ between phases, only name, length, seed, data, batch"],
  [[{}, { optimizer: { kind: "adamw" } }], "phases.1.optimizer: kind cannot differ between phases"],
  [[{ lenght: "1 tokens" }], "phases.0: lenght cannot differ between phases; did you mean length?"],
  [
    [{}, { model: { hidden_size: 8 } }],
    "phases.1.model: hidden_size cannot differ between phases, only global_rope_theta",
  ],
  [[{}, { schedule: { knd: "wsd" } }], "phases.1: unknown key schedule.knd: did you mean kind?"],
  [[{ name: "a" }, { name: "a" }], "phases: expected a name for each, got a twice"],
  [[{ data: { max_length: "long" } }], "phases.0: data.max_length: expected number, got string"],
])("%j is refused", (wrong, message) => {
  expect(() => checkConfig({ data: { path: "d" }, phases: wrong }, "c.yaml")).toThrow(`c.yaml: ${message}`);
});
