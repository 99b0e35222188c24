/** What a model is for, in the terms of TEI where it has one; routes refuse models of other kinds with 424. */
import type { EncoderInfo } from "@modernbert-ts/encoder";
import { ServeError, StartError } from "../errors.ts";

export type ModelKind = "embedding" | "classifier" | "reranker" | "token-classifier" | "question-answerer";

interface Known {
  readonly info: EncoderInfo;
}

/** A classifier of one class ranks. @throws StartError for a model that no route serves. */
export function kindOf({ head, labels }: EncoderInfo): ModelKind {
  switch (head) {
    case "none":
    case "masked-lm":
      return "embedding";
    case "sequence-classification":
      return labels.length === 1 ? "reranker" : "classifier";
    case "token-classification":
      return "token-classifier";
    case "question-answering":
      return "question-answerer";
    case "multiple-choice":
    case "next-sentence":
    case "pretraining":
      throw new StartError(`expected a model that a route serves, got one for ${head}: the library runs it`);
    default:
      throw new Error(`internal: unknown head ${String(head satisfies never)}`);
  }
}

export function requireClassifier({ info }: Known): void {
  if (info.head !== "sequence-classification") throw new ServeError("Backend", "model is not a classifier model");
}

export function requireReranker({ info }: Known): void {
  if (kindOf(info) !== "reranker") throw new ServeError("Backend", "model is not a re-ranker model");
}
