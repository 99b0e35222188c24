/** The settings that heads read, whatever the architecture; each head parses and writes its own fields of config.json. */
import type { Head, Pooling, ProblemType } from "../info.ts";

/** Every architecture's config has these. */
export interface HeadConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  /** The decoder of a masked-LM head is the embedding. */
  readonly tieWordEmbeddings: boolean;
  readonly decoderBias: boolean;
  /** With it, positions labelled `sparsePredictionIgnoreIndex` are not scored (below 0 never is). */
  readonly sparsePrediction: boolean;
  readonly sparsePredictionIgnoreIndex: number;
  readonly classifierPooling: Pooling;
  /** Names of the classes; their number is the width of the classifier. */
  readonly labels: readonly string[];
  /** null: inferred from the labels given to the loss. */
  readonly problemType: ProblemType | null;
  /** Layers of the decision head; two where absent. */
  readonly decisionLayers?: number;
  /** Before the classifier, in [0, 1). */
  readonly dropout: { readonly classifier: number };
}

/** The fields of the masked-LM head. */
export type MaskedLmConfig = Pick<
  HeadConfig,
  "tieWordEmbeddings" | "decoderBias" | "sparsePrediction" | "sparsePredictionIgnoreIndex"
>;

/** The fields of the classification heads. */
export type ClassifierConfig = Pick<HeadConfig, "classifierPooling" | "labels" | "problemType">;

/** Whether the embedding is the decoder of the head. */
export function tiesDecoder({ tieWordEmbeddings }: MaskedLmConfig, head: Head): boolean {
  return tieWordEmbeddings && (head === "masked-lm" || head === "pretraining");
}
