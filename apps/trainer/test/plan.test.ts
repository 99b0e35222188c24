/** Presets against what was published, plans against what is known of real runs and of the trainer's own steps, and what they refuse. */
import type { JsonObject } from "@modernbert-ts/encoder";
import { createConfig, modernbertKind } from "@modernbert-ts/modernbert";
import { expect, describe, test } from "vitest";
import { planCommand } from "../src/commands/plan.ts";
import type { PlanOptions } from "../src/commands/plan.ts";
import type { TrainerConfig } from "../src/config/config.ts";
import { phasesIn, readConfig } from "../src/config/read-config.ts";
import { estimatePhase } from "../src/estimate/estimate.ts";
import type { ModelPlan, PhaseEstimate } from "../src/estimate/estimate.ts";
import { presets } from "../src/presets/all.ts";
import { rowsSchedule } from "../src/run/plan/plan.ts";
import { formatBytes, formatDays } from "../src/format.ts";
import { checkConfig } from "../src/config/read-config.ts";

const configOf = (name: string, set: string[] = []): TrainerConfig =>
  readConfig(undefined, ["data.path=nowhere", ...set], presets[name]!.fields);
const options: PlanOptions = { device: "h100", devices: 8, mfu: 0.25 };
const lines = async (config: TrainerConfig, changes: Partial<PlanOptions> = {}): Promise<string> =>
  (await planCommand(config, { ...options, ...changes })).join("\n");

describe("presets", () => {
  test.each(Object.keys(presets))("%s is a valid configuration", (name) => {
    for (const { config } of phasesIn(configOf(name))) {
      expect(Number(config.batch.micro_batch_tokens)).toBeGreaterThanOrEqual(config.data.max_length);
      expect(Number.isInteger(config.batch.micro_batches)).toBe(true);
    }
  });

  test("base steps as the paper's checkpoints are named, and grows as the original did", () => {
    const [pretrain, , decay] = phasesIn(configOf("base"));
    const { micro_batch_tokens: tokens, micro_batches: count } = decay!.config.batch;
    // The last of the decay was saved after 10,598 steps.
    expect(Math.ceil(50e9 / (Number(tokens) * count!))).toBe(10_597);
    const rows = rowsSchedule(pretrain!.config.batch, 50e9);
    const growth = [0, 3.3e9, 3.4e9, 9.9e9, 10.1e9, 19.9e9, 20.1e9, 33.2e9, 33.4e9, 49.9e9, 50.1e9].map(
      (at) => rows(at) * 96,
    );
    expect(growth).toEqual([768, 768, 1536, 1536, 2304, 2304, 3072, 3072, 3840, 3840, 4608]);
    expect(phasesIn(configOf("base")).map(({ config }) => config.model.global_rope_theta)).toEqual([
      10_000, 160_000, 160_000,
    ]);
  });

  test.each([
    ["base", [4_718_592, 4_718_592, 4_718_592]],
    ["large", [5_046_272, 5_046_272, 5_046_272, 5_111_808]],
  ])("%s has the published tokens a step", (name, wanted) => {
    const perStep = phasesIn(configOf(name)).map(
      ({ config: { batch } }) => Number(batch.micro_batch_tokens) * batch.micro_batches!,
    );
    expect(perStep).toEqual(wanted);
  });

  test("a step that does not grow evenly is refused", () => {
    expect(() => rowsSchedule({ micro_batches: 10, warmup_from: 4 }, 100)).toThrow(
      "expected batch.micro_batches to be a multiple of batch.warmup_from (4), by which steps grow, got 10",
    );
  });
});

const planned = (fields: JsonObject): ModelPlan => ({ kind: modernbertKind, config: createConfig(fields) });

describe("a plan", () => {
  const hardware = { devices: 8, flops: 989e12, memory: 80e9, mfu: 0.26 };

  test("of base agrees with the hours that pretraining took, and with what a step of it holds here", () => {
    const [pretrain] = phasesIn(configOf("base"));
    const estimate = estimatePhase(pretrain!.config, planned({ num_hidden_layers: 22 }), hardware, {
      lengths: [1024],
      tokensPerExample: 1024,
    });
    expect(estimate.parameters).toBe(149_655_232);
    // 191.1 hours of training on 8 H100.
    expect(Math.abs(estimate.seconds / 3600 / 191.1 - 1)).toBeLessThan(0.05);
    // packages/training/test/step-commands.test.ts counts 450 kB a token.
    expect(Math.abs(estimate.memory.activations / 98_304 / 450e3 - 1)).toBeLessThan(0.02);
    expect(estimate.memory.parameters).toBeGreaterThan(6 * 149e6);
    expect(estimate.memory.optimizer).toBe(8 * 149_655_232);
    // 375k steps with the smaller ones of the warm-up.
    expect(estimate.steps).toBeGreaterThan(1719e9 / 4_718_592);
  });

  test("with checkpointed gradients holds what goes into each layer and one layer's all, and computes layers once more", () => {
    const { config } = phasesIn(configOf("base"))[0]!;
    const [all, inputs] = [false, true].map((checkpointing) => {
      const batch = { ...config.batch, gradient_checkpointing: checkpointing };
      const lengths = { lengths: [1024], tokensPerExample: 1024 };
      return estimatePhase({ ...config, batch }, planned({ num_hidden_layers: 22 }), hardware, lengths);
    }) as [PhaseEstimate, PhaseEstimate];
    // packages/training/test/step-commands.test.ts counts 109 kB a token after the forward pass; a layer of 22 has 450.
    expect(Math.abs(inputs.memory.activations / 98_304 / (109e3 + 450e3 / 22) - 1)).toBeLessThan(0.03);
    expect(inputs.largestMicroBatch).toBeGreaterThan(3 * all.largestMicroBatch);
    expect(inputs.flopsPerToken / all.flopsPerToken).toBeCloseTo(4 / 3, 1);
  });

  const classify = (changes: object): PhaseEstimate =>
    estimatePhase(
      checkConfig(
        {
          objective: "sequence_classification",
          data: { train: ["nowhere.jsonl"], max_length: 128 },
          length: "1M tokens",
          dtype: "bf16",
          ...changes,
        },
        "test",
      ),
      planned({ num_hidden_layers: 22, id2label: { 0: "a", 1: "b" }, label2id: { a: 0, b: 1 } }),
      hardware,
      { lengths: [128], tokensPerExample: 128 },
    );
  const head = 768 * 768 + 768 + 2 * 768 + 2;
  const whole = 149_655_232 - 50_368 + 2 * 768 + 2;

  test("of LoRA counts adapters and the head as trained, and the model as held only", () => {
    const [full, lora] = [classify({}), classify({ model: { from: "base" }, lora: { rank: 8 } })];
    // Wqkv, attention's Wo, Wi and the unit's Wo: inputs and outputs.
    const adapters = 22 * 8 * (768 + 2304 + 768 + 768 + 768 + 2304 + 1152 + 768);
    expect([full.parameters, full.trained]).toEqual([whole, whole]);
    expect([lora.parameters, lora.trained]).toEqual([whole + adapters, adapters + head]);
    expect(lora.memory.optimizer).toBe(8 * (adapters + head));
    expect(full.memory.gradients / lora.memory.gradients).toBeCloseTo(whole / (adapters + head), 6);
    expect(lora.memory.parameters - full.memory.parameters).toBe(4 * adapters);
    expect([full.checkpoint, lora.checkpoint]).toEqual([12 * whole, 12 * (adapters + head)]);
    // Backward makes no gradients of 22 layers' matrices.
    const matrices = 22 * (4 * 768 * 768 + 3 * 768 * 1152);
    expect(full.flopsPerToken - lora.flopsPerToken).toBeCloseTo(2 * matrices - 6 * adapters, -1);
  });

  test("of frozen layers holds them without state, and writes them", () => {
    const layer = 4 * 768 * 768 + 3 * 768 * 1152 + 768;
    const frozen = 50_368 * 768 + 768 + 22 * layer + 21 * 768 + 768;
    const some = classify({ model: { freeze: ["model"] }, optimizer: { ema_decay: 0.9 } });
    expect([some.parameters, some.trained]).toEqual([whole, whole - frozen]);
    expect(whole - frozen).toBe(head);
    expect([some.memory.optimizer, some.checkpoint]).toEqual([12 * head, 4 * whole + 12 * head]);
    expect(() => classify({ model: { freeze: ["layer"] } })).toThrow("did you mean layers?");
    expect(() => classify({ lora: { rank: 8 } })).toThrow("lora.rank: expected model.from");
    expect(() => classify({ model: { from: "base" }, lora: { rank: 8, targets: ["Wx"] } })).toThrow('got "Wx"');
  });

  test("says time and cost of each phase and of all", async () => {
    const text = await lines(configOf("base"), { price: 2 });
    expect(text).toMatch(/^150M parameters on 8 × h100: 989TFLOPS in bf16 and 80 GB each, of which 25.0 % is used/);
    expect(text).toMatch(
      /pretrain: 1.72T tokens, sequences of 1024[^]*context extension:[^]*decay:[^]*all phases {2}2.02T tokens/,
    );
    expect(text).toContain("There is no nowhere yet: planned with ModernBERT's own vocabulary.");
    expect(text).not.toContain("WARNING");
    const days = Number(/time {5}([\d.]+) days, ([\d,]+) at 2/.exec(text)![1]);
    expect(Number(/time {5}([\d.]+) days, ([\d,]+) at 2/.exec(text)![2]!.replace(",", ""))).toBeCloseTo(
      days * 24 * 8 * 2,
      -2,
    );
  });

  test("warns of what does not fit, and names a micro-batch that does", async () => {
    const text = await lines(configOf("large"), { device: "a10" });
    const largest = Number(/WARNING {2}does not fit: batch.micro_batch_tokens of at most (\d+) do/.exec(text)![1]);
    const smaller = configOf("base", ["phases=[]", `batch.micro_batch_tokens=${largest}`, "model.preset=large"]);
    expect(await lines(smaller, { device: "a10", devices: 1 })).not.toContain("does not fit");
    const larger = configOf("base", ["phases=[]", `batch.micro_batch_tokens=${largest + 1}`, "model.preset=large"]);
    expect(await lines(larger, { device: "a10", devices: 1 })).toContain("does not fit");
    expect(await lines(larger, { device: "mine", tflops: 1, memory: 3 })).toContain(
      "has no room for a micro-batch of even one",
    );
    expect(await lines(configOf("base", ["phases=[]"]))).toContain("8 devices share 4 micro-batches");
  });

  test.each([
    [{ device: "h10" }, "expected --device of h100, h100-pcie, h200"],
    [{ device: "h10" }, "(did you mean h100?)"],
    [{ device: "t4" }, "t4 has no bf16: set another dtype, or say what it can with --tflops"],
  ])("refuses %j", async (changes, message) => {
    await expect(lines(configOf("base"), changes)).rejects.toThrow(message);
  });

  test("refuses what trains a second model, whose costs it does not know", async () => {
    const config = checkConfig(
      { data: { path: "nowhere" }, length: "1M tokens", objective: "replaced_token_detection" },
      "test",
    );
    await expect(lines(config)).rejects.toThrow("replaced_token_detection, which trains a generator beside it");
  });

  test("refuses a length that only the data could tell", async () => {
    const config = checkConfig({ data: { path: "nowhere" }, length: "3 epochs" }, "test");
    await expect(lines(config)).rejects.toThrow("expected length in tokens to plan with, got 3 epochs");
  });
});

test("amounts for people", () => {
  expect([44.2e9, 898e6, 1500, 12].map(formatBytes)).toEqual(["44.2 GB", "898 MB", "1.5 kB", "12 B"]);
  expect([3600, 47 * 3600, 49 * 3600].map(formatDays)).toEqual(["1 hours", "47 hours", "2.04 days"]);
});
