/** A ModernBERT on a device. The forward pass is in forward.ts, heads and losses are those of all encoders. */
import { Encoder } from "@modernbert-ts/encoder";
import type { Architecture, CreateOptions, DeviceBatch, ForwardOptions, PackedBatch } from "@modernbert-ts/encoder";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { ModernBertConfig } from "./config/config.ts";
import { forward } from "./forward.ts";
import type { HiddenStates } from "./forward.ts";
import { modernbertKind } from "./kind.ts";
import { predictionFeatures } from "./prediction-features.ts";
import { RopeTables } from "./rope-tables.ts";

export type ModernBertOptions = CreateOptions<ModernBertConfig>;

export class ModernBert extends Encoder<ModernBertConfig> {
  readonly #ropeTables: RopeTables;

  /** @throws CheckpointError when a parameter is missing, unexpected or of another shape. */
  constructor(options: ModernBertOptions) {
    super({ ...options, kind: modernbertKind });
    this.#ropeTables = new RopeTables(this.runtime, this.config, this.precision.reduce);
  }

  /** Also makes the rotary tables for the longest sequence, where they are not there yet. @throws BatchError */
  override upload(batch: PackedBatch): DeviceBatch {
    const device = super.upload(batch);
    for (const kind of new Set(this.config.layers)) this.#ropeTables.table(kind, batch.maxSeqlen);
    return device;
  }

  /** After the final norm. */
  forward(batch: DeviceBatch, options: ForwardOptions = {}): Tensor {
    const keeping = { states: false, inputsOnly: this.checkpointing };
    return forward(this, this.#ropeTables, batch, options, keeping).last;
  }

  /** The hidden state of every layer. They belong to the scope around the call. @throws BatchError like `upload`. */
  hiddenStates(batch: PackedBatch, options: ForwardOptions = {}): HiddenStates {
    return this.runtime.scope(() => {
      const keeping = { states: true, inputsOnly: this.checkpointing };
      return forward(this, this.#ropeTables, this.upload(batch), options, keeping);
    });
  }

  another(options: ModernBertOptions): ModernBert {
    return new ModernBert(options);
  }

  headFeatures(rows: Tensor): Tensor {
    return predictionFeatures(this, rows);
  }

  /** Frees the parameters and tables. */
  override dispose(): void {
    super.dispose();
    this.#ropeTables.dispose();
  }
}

/** ModernBERT as the shared loaders take it. */
export const modernbertArchitecture: Architecture<ModernBertConfig, ModernBert> = {
  kind: modernbertKind,
  create: (options) => new ModernBert(options),
};
