/** A whole training set-up around the tiny model, the same every time. */
import type { Runtime } from "@modernbert-ts/tensor-core";
import type { PackedLoader } from "../../src/data/packing/packed-loader.ts";
import type { PackedLoaderState } from "../../src/data/packing/packed-loader.ts";
import { maskedLmLoader } from "../../src/objectives/masked-lm/loader.ts";
import type { MaskedRow } from "../../src/objectives/masked-lm/mask.ts";
import type { TrainableModel } from "../../src/objectives/objective.ts";
import { StableAdamW } from "../../src/optimizer/stable-adamw.ts";
import type { StableAdamWOptions } from "../../src/optimizer/stable-adamw.ts";
import { memoryStore } from "../data-fixtures.ts";
import { newRuntime } from "./runtime.ts";
import { tinyModel } from "./tiny-model.ts";

export const vocabSize = 23;

export interface TinyTraining {
  readonly runtime: Runtime;
  readonly objective: string;
  readonly model: ReturnType<typeof tinyModel>;
  readonly optimizer: StableAdamW;
}

export function tinyTraining(
  options: Partial<StableAdamWOptions> = {},
  dropoutRate = 0,
  runtime: Runtime = newRuntime(),
): TinyTraining {
  const model = tinyModel(runtime, { vocabSize, dropoutRate });
  return {
    runtime,
    objective: "masked_lm",
    model,
    optimizer: new StableAdamW(model, { maxLearningRate: 0.02, ...options }),
  };
}

export function tinyLoader(
  options: {
    readonly rows?: number;
    readonly epochs?: number;
    readonly maskProbability?: number;
    readonly rank?: number;
    readonly world?: number;
  } = {},
  state?: unknown,
): PackedLoader<MaskedRow> {
  const { rows = 2, maskProbability = 0.3, ...which } = options;
  return maskedLmLoader(
    {
      store: memoryStore(countingDocuments(60), vocabSize),
      seed: 3,
      rowLength: 48,
      rows,
      maxLength: 16,
      clsId: 0,
      sepId: 1,
      bufferSize: 8,
      maskProbability,
      mask: { maskId: 2, specialIds: [0, 1, 2] },
      ...which,
    },
    state as PackedLoaderState | undefined,
  );
}

/** All parameters as plain arrays, by name. */
export async function parametersOf(model: TrainableModel<MaskedRow>): Promise<Map<string, number[]>> {
  const result = new Map<string, number[]>();
  for (const [name, tensor] of model.parameters) result.set(name, Array.from(await tensor.read()));
  return result;
}

/** [CLS] = 0, [SEP] = 1, [MASK] = 2, then words: mostly id 3, so that there is something to learn. */
function countingDocuments(count: number): number[][] {
  return Array.from({ length: count }, (_, document) => {
    const body = Array.from({ length: 3 + (document % 9) }, (__, at) =>
      (document + at) % 3 === 0 ? 3 + ((document * 7 + at) % (vocabSize - 3)) : 3,
    );
    return [0, ...body, 1];
  });
}
