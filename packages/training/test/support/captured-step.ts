/** A whole training step captured once and replayed on other batches, beside the same steps queued anew. No Node API: pages run it too. */
import { disposeTensors, float32Precision, Runtime } from "@modernbert-ts/tensor-core";
import type { Backend, Precision } from "@modernbert-ts/tensor-core";
import { createConfig, initialiseParameters, ModernBert } from "@modernbert-ts/modernbert";
import type { Batch } from "../../src/data/packing/batch.ts";
import { overwriteStep, uploadStep } from "../../src/loop/device-step.ts";
import type { StepOptions } from "../../src/loop/device-step.ts";
import { queueStep, trainingStep } from "../../src/loop/training-step.ts";
import type { MaskedRow } from "../../src/objectives/masked-lm/mask.ts";
import { maskedLmObjective } from "../../src/objectives/masked-lm/objective.ts";
import { createOptimizer } from "../../src/optimizer/create.ts";
import type { OptimizerKind } from "../../src/optimizer/optimizer.ts";

const shape = {
  hidden_size: 32,
  num_attention_heads: 2,
  intermediate_size: 48,
  num_hidden_layers: 3,
  vocab_size: 40,
  local_attention: 8,
};

const lengths = [9, 17, 5, 12];
const masked = [1, 4, 10, 20, 27, 30, 38];

/** Two rows of one size, other words in each batch. */
function batchOf(number: number): Batch<MaskedRow> {
  const rows = [0, 1].map((row) => {
    const cuSeqlens = Int32Array.from([0, ...lengths.map((_, at) => lengths.slice(0, at + 1).reduce((a, b) => a + b))]);
    const ids = Int32Array.from({ length: cuSeqlens.at(-1)! }, (_, at) => (at * 7 + number * 13 + row * 5) % 40);
    const maskedPositions = Int32Array.from(masked, (at) => at + number);
    const maskedLabels = maskedPositions.map((at) => (at * 3 + number) % 40);
    const sequences = lengths.map((length, document) => ({ document, chunk: 0, epoch: 0, length }));
    const labels = new Int32Array(ids.length).fill(-100);
    for (const [at, position] of maskedPositions.entries()) labels[position] = maskedLabels[at]!;
    return { ids, cuSeqlens, maxSeqlen: Math.max(...lengths), sequences, labels, maskedPositions, maskedLabels };
  });
  const tokens = 2 * rows[0]!.ids.length;
  return { rows, sequences: 2 * lengths.length, tokens, weight: 2 * masked.length, packingEfficiency: 1 };
}

export interface StepRun {
  /** Loss, gradient norm, loss scale and accuracy of each step. */
  readonly steps: readonly (readonly number[])[];
  readonly parameters: ReadonlyMap<string, readonly number[]>;
}

function optionsOf(step: number): StepOptions {
  return { step, learningRate: 0.01 / step };
}

export interface Variant {
  readonly precision?: Precision;
  /** Of attention outputs and MLPs (default 0.1). */
  readonly dropout?: number;
  readonly checkpointing?: boolean;
}

/** Four steps, each with its own batch, learning rate and dropout. Every buffer is freed. */
export async function runSteps(
  backend: Backend,
  captured: boolean,
  kind: OptimizerKind = "stable_adamw",
  { precision = float32Precision, dropout = 0.1, checkpointing = false }: Variant = {},
): Promise<StepRun> {
  const runtime = new Runtime(backend);
  const head = "masked-lm";
  const config = createConfig({ ...shape, attn_out_dropout_prob: dropout, mlp_dropout: dropout });
  const bert = new ModernBert({
    runtime,
    config,
    head,
    parameters: initialiseParameters(runtime, config, head, { seed: 3 }),
    precision,
  });
  if (checkpointing) bert.checkpointGradients();
  const model = maskedLmObjective.model(bert, { seed: 3 });
  const optimizer = createOptimizer(kind, model, {
    maxLearningRate: 0.01,
    clipNorm: 1,
    lossScale: { initial: 1024, growthInterval: 2 },
  });
  const steps: number[][] = [];
  if (captured) {
    const device = uploadStep(model, optimizer, batchOf(0), optionsOf(1));
    const replay = runtime.capture(() => queueStep(model, optimizer, device));
    for (let step = 1; step <= 4; step++) {
      overwriteStep(model, optimizer, device, batchOf(step), optionsOf(step));
      replay.replay();
      steps.push(Array.from(await replay.value.read()));
    }
    replay.dispose();
    disposeTensors(device);
  } else {
    for (let step = 1; step <= 4; step++) {
      const metrics = trainingStep(model, optimizer, batchOf(step), optionsOf(step));
      steps.push(Array.from(await metrics.read()));
      metrics.dispose();
    }
  }
  const parameters = new Map<string, number[]>();
  for (const [name, tensor] of model.parameters) parameters.set(name, Array.from(await tensor.read()));
  optimizer.dispose();
  bert.dispose();
  return { steps, parameters };
}
