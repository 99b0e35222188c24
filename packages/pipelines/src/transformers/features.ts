/** feature-extraction of transformers.js: hidden states of the encoder, or one vector per text. */
import { TensorError } from "@modernbert-ts/tensor-core";
import type { PoolingMode } from "../folder/pooling.ts";
import { normalize } from "../folder/step-weights.ts";
import { encodeText } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { poolRows } from "../tasks/pool-rows.ts";
import { readLogits } from "../tasks/read-logits.ts";
import { runTask } from "../tasks/run-task.ts";
import { oneSequence } from "../tasks/task.ts";
import type { Task } from "../tasks/task.ts";
import { headNames } from "@modernbert-ts/encoder";
import { FeatureTensor, toBits } from "./tensor.ts";

export interface FeatureOptions {
  /** Default "none": the hidden states of all tokens. */
  readonly pooling?: "none" | "mean" | "cls" | "first_token" | "eos" | "last_token";
  /** Scale to length 1 along the last dimension. Default false. */
  readonly normalize?: boolean;
  /** One bit per number of pooled vectors. Default false. */
  readonly quantize?: boolean;
  readonly precision?: "binary" | "ubinary";
}

const operation = "feature-extraction";

/** An output is a sequence's hidden states [T, d]. */
const statesTask: Task<string, object, Float32Array> = {
  name: operation,
  heads: headNames,
  prepare: async (text, input, options) => oneSequence(await encodeText(text, operation, input, options)),
  async run(text, pack) {
    const values = await readLogits(operation, text, pack, (_, hidden) => hidden);
    const at = (token: number): number => token * text.info.hiddenSize;
    return Array.from(pack.cuSeqlens.subarray(1), (end, index) => values.slice(at(pack.cuSeqlens[index]!), at(end)));
  },
  transferable: ({ buffer }) => [buffer as ArrayBuffer],
};

const modes: Readonly<Record<Exclude<FeatureOptions["pooling"], undefined | "none">, PoolingMode>> = {
  mean: "mean",
  cls: "cls",
  first_token: "cls",
  eos: "lasttoken",
  last_token: "lasttoken",
};

/** [texts, tokens of the longest, d], zero where a text has no more tokens; pooled [texts, d], or [texts, d / 8] in bits. */
export async function extractFeatures(
  model: TextModel,
  texts: readonly string[],
  { pooling = "none", normalize: unit = false, quantize = false, precision = "binary" }: FeatureOptions,
): Promise<FeatureTensor> {
  if (pooling !== "none" && !Object.hasOwn(modes, pooling)) {
    throw new TensorError(operation, `expected pooling none, ${Object.keys(modes).join(", ")}, got ${String(pooling)}`);
  }
  const width = model.info.hiddenSize;
  const states = await runTask(statesTask, model, texts, { truncate: true });
  const tensor = pooling === "none" ? padded(states, width) : pooled(states, width, modes[pooling]);
  if (unit) {
    const data = tensor.data as Float32Array;
    for (let at = 0; at < data.length; at += width) normalize(data.subarray(at, at + width));
  }
  return quantize ? toBits(tensor, precision) : tensor;
}

function padded(states: readonly Float32Array[], width: number): FeatureTensor {
  const longest = Math.max(0, ...states.map(({ length }) => length));
  const data = new Float32Array(states.length * longest);
  for (const [at, rows] of states.entries()) data.set(rows, at * longest);
  return new FeatureTensor(data, [states.length, longest / width, width]);
}

function pooled(states: readonly Float32Array[], width: number, mode: PoolingMode): FeatureTensor {
  const data = new Float32Array(states.length * width);
  for (const [at, rows] of states.entries()) {
    const [vector] = poolRows(rows, width, Int32Array.of(0, rows.length / width), [mode], 0);
    data.set(vector!, at * width);
  }
  return new FeatureTensor(data, [states.length, width]);
}
