/**
 * What a ModernBERT is: the settings that change what is computed, in one normal form for both generations of config.json
 * (transformers 4 and 5). Made by `parseConfig`; treat it as a value and derive others by spreading it.
 */
import type { HeadConfig, SpecialTokenIds } from "@modernbert-ts/encoder";
import type { Activation } from "@modernbert-ts/tensor-core";

/** A layer attends to the whole sequence, or to a sliding window. */
export type LayerKind = "global" | "local";

/** How positions become angles. `theta` is the base of the frequencies; `linear` and `yarn` stretch them to longer texts. */
export type RopeSettings =
  | { readonly type: "default"; readonly theta: number }
  | { readonly type: "linear"; readonly theta: number; readonly factor: number }
  | {
      readonly type: "yarn";
      readonly theta: number;
      readonly factor: number;
      readonly originalMaxPositionEmbeddings: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** Multiplies cos and sin. */
      readonly attentionFactor: number;
    };

/** Rates in [0, 1); used only where `encode` and the heads are given a `dropout` draw. */
export interface DropoutRates {
  readonly embedding: number;
  /** Of the attention probabilities: kept for the file, but training with it is refused (no ModernBERT was trained so). */
  readonly attention: number;
  /** After the attention's output projection; 0.1 in the original pretraining. */
  readonly attentionOutput: number;
  readonly mlp: number;
  readonly classifier: number;
}

export interface ModernBertConfig extends HeadConfig {
  readonly intermediateSize: number;
  readonly numHeads: number;
  /** One per layer, in order. */
  readonly layers: readonly LayerKind[];
  readonly rope: Readonly<Record<LayerKind, RopeSettings>>;
  /** Half width of the sliding window: local layers see |i - j| ≤ window (`local_attention // 2`). */
  readonly window: number;
  /** The longest sequence that is accepted. */
  readonly maxPositionEmbeddings: number;
  readonly normEps: number;
  readonly normBias: boolean;
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  readonly hiddenActivation: Activation;
  /** Of the head's dense layer; the classifier itself always has a bias. */
  readonly classifierBias: boolean;
  readonly classifierActivation: Activation;
  readonly dropout: DropoutRates;
  readonly initializerRange: number;
  readonly initializerCutoffFactor: number;
  /** Only `pad` changes what is computed: its embedding row gets no gradient. */
  readonly tokens: SpecialTokenIds;
}

/** Width of one attention head. */
export function headSize(config: ModernBertConfig): number {
  return config.hiddenSize / config.numHeads;
}
