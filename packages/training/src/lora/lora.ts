/**
 * LoRA (Hu et al. 2021, arXiv 2106.09685): the weights of linear layers stay, and beside each a product of two narrow matrices is learned,
 * W·x + scale · B·(A·x). B begins as zero, so the model begins as what it was. The head is trained in full.
 */
import { drawParameter } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import { cast, linear, scale, zeros } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { TrainableModel } from "../objectives/objective.ts";
import type { NamedTensors } from "../optimizer/optimizer.ts";
import { loraName, targetedModules, trainedOfHead } from "./modules.ts";

export interface LoraOptions {
  /** Width of the narrow matrices. */
  readonly rank: number;
  /** What the product is multiplied by: alpha / rank, or alpha / √rank (`rslora`, arXiv 2312.03732). */
  readonly alpha: number;
  readonly rslora: boolean;
  /** Parts of names (`name-pattern.ts`) of linear layers of the encoder. */
  readonly targets: readonly string[];
  /** Of A, unsigned 32-bit. */
  readonly seed: number;
}

export interface Lora extends Disposable {
  /** Names of the linear layers that have an adapter. */
  readonly modules: readonly string[];
  /** The matrices A [rank, k] and B [n, rank] of each. */
  readonly parameters: NamedTensors;
  /** The same model, of which the adapters and the head are learned; everything else is no longer among its parameters. */
  of<Model extends Pick<TrainableModel<never>, "parameters" | "copies">>(model: Model): Model;
}

export function loraScale({ rank, alpha, rslora }: Pick<LoraOptions, "rank" | "alpha" | "rslora">): number {
  return alpha / (rslora ? Math.sqrt(rank) : rank);
}

/**
 * Puts adapters beside layers of an encoder, for as long as it lives. @throws DataError `invalid` for a target that names no linear layer of the
 * encoder, or a rank that is not narrow.
 */
export function addLora(encoder: Encoder, options: LoraOptions): Lora {
  const { rank, seed } = options;
  const { runtime, precision } = encoder;
  const chosen = targetedModules(encoder, options);
  const factor = loraScale(options);
  const parameters = new Map<string, Tensor>();
  for (const { name, shape } of chosen) {
    const [outputs, inputs] = shape;
    // As torch draws a linear layer; B is zero.
    const bound = { kind: "uniform", bound: 1 / Math.sqrt(inputs) } as const;
    const own = loraName(name, "A");
    const down = drawParameter(runtime, own, [rank, inputs], bound, { seed, dtype: precision.params });
    const up = runtime.keep(zeros(runtime, [outputs, rank], precision.params));
    parameters.set(own, down).set(loraName(name, "B"), up);
    const [first, second] = [down, up].map((matrix) => (): Tensor => cast(matrix, precision.compute));
    encoder.addToLayer(name, (input) => linear(scale(linear(input, first!()), factor), second!()));
  }
  return {
    modules: chosen.map(({ name }) => name),
    parameters,
    of(model) {
      const ofHead = trainedOfHead(encoder);
      const head = [...model.parameters].filter(([name]) => ofHead.has(name));
      const copies = [...model.copies].filter(([name]) => ofHead.has(name));
      return { ...model, parameters: new Map([...parameters, ...head]), copies: new Map(copies) };
    },
    [Symbol.dispose]() {
      for (const tensor of parameters.values()) tensor.dispose();
    },
  };
}
