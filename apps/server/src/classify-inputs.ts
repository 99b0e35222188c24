/** Classes of texts and pairs of texts: what the route and the gRPC service share. */
import type { LabelScore, TextPair } from "@modernbert-ts/pipelines";
import { inferInputs } from "./infer.ts";
import type { Inference } from "./infer.ts";
import { requireClassifier } from "./model/kind.ts";
import { inputOptions } from "./service.ts";
import type { Service, TruncationFields } from "./service.ts";

export interface ClassifyFields extends TruncationFields {
  /** Logits in the place of probabilities. */
  readonly rawScores?: boolean;
}

/** All classes of each input, best first. @throws ServeError 424 for a model that is no classifier. */
export async function classifyInputs(
  service: Service,
  inputs: readonly (string | TextPair)[],
  fields: ClassifyFields,
  signal: AbortSignal,
): Promise<Pick<Inference<"classify">, "costs"> & { readonly results: readonly (readonly LabelScore[])[] }> {
  requireClassifier(service.files);
  const options = { ...inputOptions(service, fields), ...(fields.rawScores && { functionToApply: "none" as const }) };
  return inferInputs(service, { name: "classify", options: {} }, inputs, options, signal);
}
