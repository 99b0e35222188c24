/**
 * An encoder on a device: parameters, precision and head. An architecture extends it with its forward pass and the features that its
 * heads start from; batches, heads, losses and folders are the same for all.
 */
import { activationExpression, add, bytesOf, cast, glu } from "@modernbert-ts/tensor-core";
import { linear, map, mlp, TensorError, x } from "@modernbert-ts/tensor-core";
import type { CompositeAttrs, Precision, Runtime, Tensor } from "@modernbert-ts/tensor-core";
import { CapturedForwards } from "./batch/captured-forwards.ts";
import type { CaptureLimits } from "./batch/captured-forwards.ts";
import { overwriteBatch, uploadBatch } from "./batch/device-batch.ts";
import type { DeviceBatch } from "./batch/device-batch.ts";
import { checkBatch } from "./batch/packed-batch.ts";
import type { PackedBatch } from "./batch/packed-batch.ts";
import type { ForwardOptions } from "./forward-options.ts";
import { type HeadConfig, tiesDecoder } from "./config/head-config.ts";
import type { EncoderInfo, Head } from "./info.ts";
import { countValues } from "./kind.ts";
import type { EncoderKind, SharedNames } from "./kind.ts";
import { precisionOf } from "./weights/precision-of.ts";
import { checkParameters } from "./weights/check-parameters.ts";
import { multiplyQuantized, type QuantizedMatrix } from "./weights/formats.ts";

export interface EncoderOptions<C extends HeadConfig> {
  readonly kind: EncoderKind<C>;
  readonly runtime: Runtime;
  readonly config: C;
  readonly head: Head;
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly quantized?: ReadonlyMap<string, QuantizedMatrix>;
  readonly precision?: Precision;
}

export abstract class Encoder<C extends HeadConfig = HeadConfig> {
  readonly kind: EncoderKind<C>;
  readonly runtime: Runtime;
  readonly config: C;
  readonly info: EncoderInfo;
  /** By name, in the order of the state dict; without those held in `quantized`. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly quantized: ReadonlyMap<string, QuantizedMatrix>;
  readonly precision: Precision;
  /** Matrices in the compute dtype, held for training: see `holdCopies`. */
  readonly #copies = new Map<string, Tensor>();
  readonly #additions = new Map<string, (input: Tensor) => Tensor>();
  readonly #computed = new Map<string, () => Tensor>();
  #captured: CapturedForwards | undefined;
  /** A differentiated forward pass keeps only what goes into each layer, see `checkpointGradients`. */
  checkpointing = false;

  /** @throws CheckpointError when a parameter is missing, unexpected or of another shape. */
  constructor({ kind, runtime, config, head, parameters, quantized = new Map(), precision }: EncoderOptions<C>) {
    checkParameters(kind.parameters(config, head), head, parameters, quantized);
    this.kind = kind;
    this.runtime = runtime;
    this.config = config;
    this.info = kind.info(config, head);
    this.parameters = parameters;
    this.quantized = quantized;
    this.precision = precision ?? precisionOf(parameters.get(this.names.embedding)!);
  }

  /** Of the parameters that heads read. */
  get names(): SharedNames {
    return this.kind.names(this.head);
  }

  get head(): Head {
    return this.info.head;
  }

  /**
   * A batch to the device, once: `forward`, pooling and losses upload nothing of it. It belongs to the scope around the call.
   * @throws BatchError before anything is queued when ids or lengths do not fit the model.
   */
  upload(batch: PackedBatch): DeviceBatch {
    checkBatch(batch, this.info);
    return uploadBatch(this.runtime, batch);
  }

  /**
   * Puts a batch of the same sizes in the place of an uploaded one, in order with queued work: what was captured runs on it.
   * @throws BatchError like `upload`, and where a size differs.
   */
  overwrite(device: DeviceBatch, batch: PackedBatch): DeviceBatch {
    checkBatch(batch, this.info);
    return overwriteBatch(this.runtime, device, batch);
  }

  /** The last hidden state [T, d] of all tokens of the pack. It belongs to the scope around the call. */
  abstract forward(batch: DeviceBatch, options?: ForwardOptions): Tensor;

  /** `upload` and `forward`. @throws BatchError like `upload`. */
  encode(batch: PackedBatch, options: ForwardOptions = {}): Tensor {
    return this.runtime.scope(() => this.forward(this.upload(batch), options));
  }

  /**
   * For inference: `upload`, `forward` and what `body` makes of the hidden states [T, d], all of it queued when the call returns. Inputs of
   * `body` end with it. Replays a capture where one fits, see `captureForwards`. @throws BatchError like `upload`.
   */
  run<R>(batch: PackedBatch, body: (hidden: Tensor, device: DeviceBatch) => R): R {
    return this.runtime.scope(() => {
      checkBatch(batch, this.info);
      const replayed = this.#captured?.run(batch);
      if (replayed) return body(replayed.hidden, replayed.device);
      const device = this.upload(batch);
      return body(this.forward(device), device);
    });
  }

  /**
   * From now on `run` replays forward passes that were recorded. `padded`: batches of at most `tokens` (default 2048) are padded to one of a
   * few sizes. Else single sequences of at most `tokens` (default 32: queries) are recorded. A parameter may be changed, not replaced.
   */
  captureForwards(limits: Partial<Pick<CaptureLimits, "padded" | "tokens" | "captures">> = {}): void {
    const { padded = this.runtime.backend.capabilities.cheapReplay === true, captures = 64 } = limits;
    const { maxLength: maxSeqlen, tokens: special } = this.info;
    const tokens = limits.tokens ?? (padded ? 2048 : 32);
    this.#captured?.dispose();
    this.#captured = new CapturedForwards(this, { padded, tokens, captures, maxSeqlen, pad: special.pad ?? 0 });
  }

  /** From now on a differentiated forward pass keeps only what goes into each layer; backward runs the layers again: the same bits. */
  checkpointGradients(): void {
    this.checkpointing = true;
  }

  /** Hidden states of tokens [M, d] to what the head's decoder or classifier reads of them [M, d]. */
  abstract headFeatures(rows: Tensor): Tensor;

  /** The same for pooled ones, where an architecture makes a difference. */
  pooledFeatures(rows: Tensor): Tensor {
    return this.headFeatures(rows);
  }

  /** Rate before the classifier. */
  get classifierDropout(): number {
    return this.config.dropout.classifier;
  }

  /** A model of the same architecture; both may hold the same tensors. */
  abstract another(options: Omit<EncoderOptions<C>, "kind">): Encoder<C>;

  /** From now on the forward pass reads what `made` gives in the place of the parameter `name`. */
  computeParameter(name: string, made: () => Tensor): void {
    this.#computed.set(name, made);
  }

  /** A parameter by name. @throws TensorError when this model has none of that name. */
  parameter(name: string): Tensor {
    const parameter = this.#computed.get(name)?.() ?? this.parameters.get(name);
    if (parameter) return parameter;
    throw new TensorError("model", `expected a model with ${name}, got one with head "${this.head}"`);
  }

  /** A parameter that a config may leave out (biases). */
  optional(name: string): Tensor | null {
    return this.parameters.get(name) ?? null;
  }

  /**
   * From now on products read these copies of the matrices in the compute dtype instead of converting them in each pass. By name; whoever
   * changes a parameter writes its copy too. Empty where parameters have the compute dtype.
   */
  holdCopies(): ReadonlyMap<string, Tensor> {
    const { compute } = this.precision;
    const tied = tiesDecoder(this.config, this.head);
    for (const [name, { shape, role }] of this.kind.parameters(this.config, this.head)) {
      const parameter = this.parameters.get(name);
      const multiplied = shape.length === 2 && (role !== "embedding" || (tied && name === this.names.embedding));
      if (!parameter || !multiplied || this.#copies.has(name)) continue;
      if (bytesOf(compute) < bytesOf(parameter.dtype))
        this.#copies.set(name, this.runtime.keep(cast(parameter, compute)));
    }
    return this.#copies;
  }

  /** A matrix for a product in the compute dtype: as it is where it takes fewer bytes, else converted. */
  matrix(name: string): Tensor {
    const copy = this.#copies.get(name);
    if (copy && !this.#asksForParameterAlone(name, copy)) return copy;
    const matrix = this.parameter(name);
    const { compute } = this.precision;
    return bytesOf(matrix.dtype) < bytesOf(compute) ? matrix : cast(matrix, compute);
  }

  /** A gradient is wanted of the parameter and not of its copy. */
  #asksForParameterAlone(name: string, copy: Tensor): boolean {
    const { tape } = this.runtime;
    return tape !== undefined && tape.tracks(this.parameter(name)) && !tape.tracks(copy);
  }

  /** Weight and bias of a layer norm, in the dtype of statistics. */
  norm(name: string): readonly [Tensor, Tensor | null] {
    const bias = this.optional(`${name}.bias`);
    const { reduce } = this.precision;
    return [cast(this.parameter(`${name}.weight`), reduce), bias && cast(bias, reduce)];
  }

  /**
   * From now on the linear layer `name` gives the sum of what it gives by itself and `addition` of its input, [T, k] → [T, n] in the compute
   * dtype: an adapter beside it.
   */
  addToLayer(name: string, addition: (input: Tensor) => Tensor): void {
    this.#additions.set(name, addition);
  }

  /** The linear layer `name` in the compute dtype: input [T, k] → [T, n]. */
  project(input: Tensor, name: string): Tensor {
    const rows = cast(input, this.precision.compute);
    const bias = this.optional(`${name}.bias`);
    const matrix = this.quantized.get(`${name}.weight`);
    const made = matrix ? multiplyQuantized(rows, matrix, bias) : linear(rows, this.matrix(`${name}.weight`), bias);
    const addition = this.#additions.get(name);
    return addition ? add(made, addition(rows)) : made;
  }

  /** The linear layers `inner` and `outer` around an activation: [T, d] → [T, d']. */
  feedForward(input: Tensor, inner: string, outer: string, attrs: CompositeAttrs["mlp"]): Tensor {
    const [wi, wo] = [inner, outer].map((name) => `${name}.weight`) as [string, string];
    const apart = [inner, outer].some((name) => this.quantized.has(`${name}.weight`) || this.#additions.has(name));
    if (apart) {
      const hidden = this.project(input, inner);
      const active = attrs.gated
        ? glu(hidden, attrs.activation)
        : map(activationExpression(attrs.activation, x(0)), [hidden]);
      return this.project(active, outer);
    }
    const rows = cast(input, this.precision.compute);
    return mlp(
      rows,
      [this.matrix(wi), this.optional(`${inner}.bias`)],
      [this.matrix(wo), this.optional(`${outer}.bias`)],
      attrs,
    );
  }

  /** How many values the parameters have; a tied matrix counts once. */
  parameterCount(): number {
    return countValues(this.kind.parameters(this.config, this.head));
  }

  /** Frees the parameters. */
  dispose(): void {
    this.#captured?.dispose();
    for (const tensor of [...this.parameters.values(), ...this.#copies.values()]) tensor.dispose();
    for (const { words, scales } of this.quantized.values()) for (const tensor of [words, scales]) tensor.dispose();
  }
}
