/** A BERT on a device. The forward pass is in forward.ts, heads and losses are those of all encoders. */
import { Encoder } from "@modernbert-ts/encoder";
import type { Architecture, CreateOptions, DeviceBatch, ForwardOptions, PackedBatch } from "@modernbert-ts/encoder";
import { activationExpression, cast, layerNorm, map, scalar, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { BertConfig } from "./config/config.ts";
import { forward } from "./forward.ts";
import type { HiddenStates } from "./forward.ts";
import { bertKind } from "./kind.ts";
import { pooler, predicts, transform } from "./parameters.ts";

export type BertOptions = CreateOptions<BertConfig>;

const tanh = scalar.tanh(x(0));

export class Bert extends Encoder<BertConfig> {
  /** @throws CheckpointError when a parameter is missing, unexpected or of another shape. */
  constructor(options: BertOptions) {
    super({ ...options, kind: bertKind });
  }

  forward(batch: DeviceBatch, options: ForwardOptions = {}): Tensor {
    return forward(this, batch, options, { states: false, inputsOnly: this.checkpointing }).last;
  }

  /** The hidden state of every layer. They belong to the scope around the call. @throws BatchError like `upload`. */
  hiddenStates(batch: PackedBatch, options: ForwardOptions = {}): HiddenStates {
    const keeping = { states: true, inputsOnly: this.checkpointing };
    return this.runtime.scope(() => forward(this, this.upload(batch), options, keeping));
  }

  another(options: BertOptions): Bert {
    return new Bert(options);
  }

  /** transformers drops nothing before `qa_outputs`. */
  override get classifierDropout(): number {
    return this.head === "question-answering" ? 0 : this.config.dropout.classifier;
  }

  /** What a decoder reads: dense, activation, norm. Other heads read the states of tokens as they are. */
  headFeatures(rows: Tensor): Tensor {
    if (!predicts(this.head)) return rows;
    const { config, precision } = this;
    const activated = map(activationExpression(config.hiddenActivation, x(0)), [this.project(rows, transform.dense)]);
    const [weight, bias] = this.norm(transform.norm);
    return layerNorm(cast(activated, precision.reduce), weight, bias, config.normEps);
  }

  /** The pooler: dense and tanh of the first token's state. */
  override pooledFeatures(rows: Tensor): Tensor {
    return map(tanh, [cast(this.project(rows, pooler), this.precision.reduce)]);
  }
}

/** BERT as the shared loaders take it. */
export const bertArchitecture: Architecture<BertConfig, Bert> = {
  kind: bertKind,
  create: (options) => new Bert(options),
};
