/** One pretraining run by the trainer's own code, small enough for two cores. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "../../records/record.ts";
import type { Context } from "../section.ts";
import { trainQuietly } from "./train.ts";

/** Fields of a configuration over the usual ones; sections are merged field by field. */
export type Changes = { readonly [section: string]: JsonObject | string };

export type Pretrained = {
  readonly tokens: number;
  /** Of training, without evaluations. */
  readonly seconds: number;
  /** On held-out files, of the positions that an evaluation masks: the same for all runs of an objective. */
  readonly loss: number | null;
  readonly accuracy: number | null;
};

/** What all runs share: ModernBERT's recipe on one micro-batch a step, sequences of 128 tokens, no dropout (each text is seen a few times). */
const usual: Changes = {
  backend: "cpu",
  data: { max_length: 128 },
  model: { initializer_range: 0.05 },
  batch: { micro_batch_tokens: 512, micro_batches: 1 },
  optimizer: { learning_rate: 3e-3 },
  schedule: { kind: "wsd", warmup: "10%", decay: "50%" },
  evaluation: { tokens: "60k" },
  checkpoints: { keep: 1 },
};

export interface Run {
  /** Of the run's folder. */
  readonly name: string;
  /** Of `brownData`. */
  readonly data: string;
  readonly tokens: number;
  readonly seed: number;
  readonly changes: Changes;
}

/** Trains, and gives the folder of the model too, which stays until `forget`. @throws the signal's reason, what the trainer throws. */
export async function pretrain(
  { workFolder, threads, signal }: Pick<Context, "workFolder" | "threads" | "signal">,
  { name, data, tokens, seed, changes }: Run,
): Promise<{ readonly figures: Pretrained; readonly model: string; forget(): void }> {
  const output = join(workFolder, name);
  rmSync(output, { recursive: true, force: true }); // of a run that was killed
  const every = `${tokens} tokens`;
  const fixed: Changes = {
    output,
    data: { path: data },
    evaluation: { every },
    checkpoints: { every },
  };
  const merged = merge(merge(usual, fixed), changes);
  let seconds = 0;
  const result = await trainQuietly({ ...merged, length: every, seed, threads }, `run ${name}`, signal, (event) => {
    if (event.kind === "step") seconds = event.seconds;
  });
  const { score, modelFolder } = result;
  return {
    figures: {
      tokens: result.tokens,
      seconds,
      loss: score?.loss ?? null,
      accuracy: score?.metrics["maskedAccuracy"] ?? null,
    },
    model: modelFolder!,
    forget: () => rmSync(output, { recursive: true, force: true }),
  };
}

function merge(base: Changes, over: Changes): Changes {
  const merged: Record<string, JsonObject | string> = { ...base };
  for (const [section, fields] of Object.entries(over)) {
    const before = merged[section];
    merged[section] = typeof fields === "object" && typeof before === "object" ? { ...before, ...fields } : fields;
  }
  return merged;
}
