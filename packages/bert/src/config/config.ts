/** What a BERT is: the settings that change what is computed. Made by `parseConfig`; treat it as a value and derive others by spreading it. */
import type { HeadConfig } from "@modernbert-ts/encoder";
import type { Activation } from "@modernbert-ts/tensor-core";

/** Rates in [0, 1); used only where `encode` and the heads are given a `dropout` draw. */
export interface DropoutRates {
  /** After the embeddings, and of what attention and feed-forward add to the residual stream. */
  readonly hidden: number;
  /** Of the attention probabilities. */
  readonly attention: number;
  /** Of the pooled vector or the token's state, before a classifier. */
  readonly classifier: number;
}

export interface BertConfig extends HeadConfig {
  readonly numLayers: number;
  readonly numHeads: number;
  readonly intermediateSize: number;
  /** Rows of the position table: the longest sequence. */
  readonly maxPositionEmbeddings: number;
  /** Rows of the table of token types. */
  readonly typeVocabSize: number;
  readonly normEps: number;
  readonly hiddenActivation: Activation;
  readonly dropout: DropoutRates;
  readonly initializerRange: number;
  /** Its embedding row gets no gradient. */
  readonly padTokenId: number | null;
}
