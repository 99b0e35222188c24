/** A head: what it adds to an encoder's parameters, and what `modernbert forward` writes of it. Each is one file, listed in registry.ts. */
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { DeviceBatch } from "../batch/device-batch.ts";
import type { UnpaddedBatch } from "../batch/padding.ts";
import type { Encoder } from "../encoder.ts";
import type { ParameterSpec, SharedNames } from "../kind.ts";
import type { HeadConfig } from "../config/head-config.ts";

/** A tensor of labels: whole numbers or not decides what a classifier's loss is. */
export interface Labels {
  readonly shape: readonly number[];
  readonly data: Int32Array | Float32Array;
}

/** A batch in padded rows as transformers takes it, with labels by name. */
export interface ForwardInputs {
  /** Of input_ids: [B, S], or [B, C, S] where a row has choices. */
  readonly shape: readonly number[];
  /** The rows without padding; [B · C, S] with choices. */
  readonly unpadded: UnpaddedBatch;
  readonly labels: ReadonlyMap<string, Labels>;
}

export interface HeadOutput {
  readonly name: string;
  /** Padded, like the inputs. */
  readonly shape: readonly number[];
  /** Computes it from the last hidden state [T, d] and brings it to the host. */
  readonly read: (hidden: Tensor, batch: DeviceBatch) => Promise<Float32Array>;
}

/** What a head makes of the last hidden state: outputs, and a loss [1] where there are labels. */
export interface HeadPlan {
  readonly outputs: readonly HeadOutput[];
  readonly loss: ((hidden: Tensor, batch: DeviceBatch) => Tensor) | undefined;
}

export interface HeadDefinition {
  /** transformers' class is the architecture's name and this. */
  readonly classSuffix: string;
  /** The labels that its loss takes, as transformers' class names them. */
  readonly labelNames: readonly string[];
  /** Input rows are [B, C, S]: several texts a row. */
  readonly choices?: boolean;
  /** The parameters behind the features, in the order of the state dict. @throws ConfigError when the config does not fit. */
  parameters(config: HeadConfig, names: SharedNames): Iterable<readonly [string, ParameterSpec]>;
  /** @throws BatchError when the labels are not those of the head. */
  plan(model: Encoder, inputs: ForwardInputs): HeadPlan;
}
