/** A variant on a device. */
import { Encoder } from "@modernbert-ts/encoder";
import type { Architecture, CreateOptions, DeviceBatch, ForwardOptions, PackedBatch } from "@modernbert-ts/encoder";
import { ConfigError } from "@modernbert-ts/encoder";
import { predictionFeatures, RopeTables } from "@modernbert-ts/modernbert";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { VariantConfig } from "./config.ts";
import { forward } from "./forward.ts";
import { variantKind } from "./kind.ts";

export class EncoderVariant extends Encoder<VariantConfig> {
  readonly #ropeTables: RopeTables;

  /** @throws CheckpointError when a parameter is missing, unexpected or of another shape. */
  constructor(options: CreateOptions<VariantConfig>) {
    super({ ...options, kind: variantKind });
    this.#ropeTables = new RopeTables(this.runtime, this.config, this.precision.reduce);
  }

  override upload(batch: PackedBatch): DeviceBatch {
    const device = super.upload(batch);
    if (this.config.positions === "rope")
      for (const kind of new Set(this.config.layers)) this.#ropeTables.table(kind, batch.maxSeqlen);
    return device;
  }

  /** @throws ConfigError for dropout in places where a variant has none. */
  forward(batch: DeviceBatch, options: ForwardOptions = {}): Tensor {
    const { attention, mlp } = this.config.dropout;
    if (options.dropout && attention + mlp > 0)
      throw new ConfigError(
        "encode",
        "expected attention_dropout and mlp_dropout 0 for training a variant: set them to 0",
      );
    return forward(this, this.#ropeTables, batch, options);
  }

  another(options: CreateOptions<VariantConfig>): EncoderVariant {
    return new EncoderVariant(options);
  }

  headFeatures(rows: Tensor): Tensor {
    return predictionFeatures(this, rows);
  }

  override dispose(): void {
    super.dispose();
    this.#ropeTables.dispose();
  }
}

export const variantArchitecture: Architecture<VariantConfig, EncoderVariant> = {
  kind: variantKind,
  create: (options) => new EncoderVariant(options),
};
