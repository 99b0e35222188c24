/** A ModernBERT on a device: config, parameters and rotary tables. The forward pass is in encoder.ts, heads in heads/. */
import { bytesOf, cast, float32Precision, float64Precision, TensorError } from "@modernbert-ts/tensor-core";
import type { Precision, Runtime, Tensor } from "@modernbert-ts/tensor-core";
import { checkBatch } from "./batch.ts";
import type { PackedBatch } from "./batch.ts";
import type { Head, ModernBertConfig } from "./config/config.ts";
import { encode } from "./encoder.ts";
import type { ForwardOptions, HiddenStates } from "./encoder.ts";
import { CheckpointError } from "./errors.ts";
import { embeddingName, parameterShapes } from "./parameters.ts";
import { RopeTables } from "./rope-tables.ts";
import type { Int8Matrix } from "./weights.ts";

export interface ModernBertOptions {
  readonly runtime: Runtime;
  readonly config: ModernBertConfig;
  readonly head: Head;
  /** As `parameterShapes` names and shapes them. The model owns them from now on. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** Linear layers in bytes, in place of the parameters of these names; for inference only. Owned like the parameters. */
  readonly int8?: ReadonlyMap<string, Int8Matrix>;
  /** By default everything in the dtype of the parameters, which is then f32 or f64. */
  readonly precision?: Precision;
}

export class ModernBert {
  readonly runtime: Runtime;
  readonly config: ModernBertConfig;
  readonly head: Head;
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly int8: ReadonlyMap<string, Int8Matrix>;
  readonly precision: Precision;
  /** Cached cosines and sines; for the forward pass only. */
  readonly ropeTables: RopeTables;

  /** @throws CheckpointError when a parameter is missing, unexpected or of another shape. */
  constructor({ runtime, config, head, parameters, int8 = new Map(), precision }: ModernBertOptions) {
    checkParameters(config, head, parameters, int8);
    this.runtime = runtime;
    this.config = config;
    this.head = head;
    this.parameters = parameters;
    this.int8 = int8;
    this.precision = precision ?? precisionOf(parameters);
    this.ropeTables = new RopeTables(runtime, config, this.precision.reduce);
  }

  /**
   * The last hidden state [T, d] after the final norm, for all tokens of the pack. It belongs to the scope around the call.
   * @throws BatchError before anything is queued when ids or lengths do not fit the model.
   */
  encode(batch: PackedBatch, options: ForwardOptions = {}): Tensor {
    checkBatch(batch, this.config);
    return encode(this, batch, options, false).last;
  }

  /** The hidden state of every layer; like `encode` otherwise. */
  hiddenStates(batch: PackedBatch, options: ForwardOptions = {}): HiddenStates {
    checkBatch(batch, this.config);
    return encode(this, batch, options, true);
  }

  /** A parameter by name. @throws TensorError when this model has none of that name. */
  parameter(name: string): Tensor {
    const parameter = this.parameters.get(name);
    if (parameter) return parameter;
    throw new TensorError("model", `expected a model with ${name}, got one with head "${this.head}"`);
  }

  /** A matrix for a product in the compute dtype: as it is where it takes fewer bytes, else converted. */
  matrix(name: string): Tensor {
    const matrix = this.parameter(name);
    const { compute } = this.precision;
    return bytesOf(matrix.dtype) < bytesOf(compute) ? matrix : cast(matrix, compute);
  }

  /** A parameter that a config may leave out (biases). */
  optional(name: string): Tensor | null {
    return this.parameters.get(name) ?? null;
  }

  /** Weight and bias of a layer norm, in the dtype of statistics. */
  norm(name: string): readonly [Tensor, Tensor | null] {
    const bias = this.optional(`${name}.bias`);
    const { reduce } = this.precision;
    return [cast(this.parameter(`${name}.weight`), reduce), bias && cast(bias, reduce)];
  }

  /** Frees the parameters and tables. */
  dispose(): void {
    for (const parameter of this.parameters.values()) parameter.dispose();
    for (const { words, scales } of this.int8.values()) for (const tensor of [words, scales]) tensor.dispose();
    this.ropeTables.dispose();
  }
}

function precisionOf(parameters: ReadonlyMap<string, Tensor>): Precision {
  const dtype = parameters.get(embeddingName)!.dtype;
  if (dtype === "f64") return float64Precision;
  if (dtype === "f32") return float32Precision;
  throw new CheckpointError("model", `expected a precision to be given for ${dtype} parameters, got none`);
}

function checkParameters(
  config: ModernBertConfig,
  head: Head,
  parameters: ReadonlyMap<string, Tensor>,
  int8: ReadonlyMap<string, Int8Matrix>,
): void {
  const shapes = parameterShapes(config, head);
  for (const [name, wanted] of shapes) {
    const words = int8.get(name)?.words;
    const shape = words ? [wanted[0]!, Math.ceil(wanted[1]! / 4)] : wanted;
    const found = (words ?? parameters.get(name))?.shape;
    if (!found || found.length !== shape.length || found.some((extent, axis) => extent !== shape[axis])) {
      const got = found ? `[${found.join(", ")}]` : "none";
      throw new CheckpointError("model", `expected ${name} of shape [${shape.join(", ")}], got ${got}`);
    }
  }
  for (const name of [...parameters.keys(), ...int8.keys()]) {
    if (!shapes.has(name)) throw new CheckpointError("model", `expected no parameter ${name} with head "${head}"`);
  }
}
