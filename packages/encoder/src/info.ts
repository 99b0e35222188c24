/** What is known of a model without its architecture: all that pipelines, server and trainer need. */

/** What sits on the encoder; named after the classes of transformers. Each is a file in `heads/`. */
export type Head =
  | "none"
  | "masked-lm"
  | "sequence-classification"
  | "token-classification"
  | "question-answering"
  | "multiple-choice"
  | "next-sentence"
  | "pretraining";

/** One vector from the tokens of a sequence: the first one, or their mean. */
export type Pooling = "cls" | "mean";

/** What a sequence classifier's logits mean; the names of transformers. */
export type ProblemType = "regression" | "single_label_classification" | "multi_label_classification";

/** Ids that config.json names; null where it names none. */
export interface SpecialTokenIds {
  readonly bos: number | null;
  readonly cls: number | null;
  readonly eos: number | null;
  readonly sep: number | null;
  readonly pad: number | null;
}

export interface EncoderInfo {
  /** As in config.json: "modernbert". */
  readonly modelType: string;
  /** Rows of the embedding: token ids are below it. */
  readonly vocabSize: number;
  readonly numLayers: number;
  /** Of attention. */
  readonly numHeads: number;
  /** Width of the feed-forward part, one half of a gated one. */
  readonly intermediateSize: number;
  /** Rows of the table of token types; 0 where the model has none. */
  readonly typeVocabSize: number;
  /** Width of the hidden states. */
  readonly hiddenSize: number;
  /** The longest sequence in tokens, special tokens included. */
  readonly maxLength: number;
  readonly head: Head;
  /** Names of the classes; their number is the width of a classifier. */
  readonly labels: readonly string[];
  /** null: follows from the labels, see `sequenceClassificationLoss`. */
  readonly problemType: ProblemType | null;
  /** How the classification heads pool. */
  readonly classifierPooling: Pooling;
  readonly tokens: SpecialTokenIds;
}
