/** Texts by how well they answer a query: what the routes of TEI, Cohere and Jina and the gRPC service share. */
import type { RankedText, RerankInput } from "@modernbert-ts/pipelines";
import type { Costs } from "./costs.ts";
import { inferInputs } from "./infer.ts";
import { requireReranker } from "./model/kind.ts";
import { inputOptions } from "./service.ts";
import type { Service, TruncationFields } from "./service.ts";

export interface RankFields extends TruncationFields {
  readonly rawScores?: boolean;
}

export interface Ranks {
  /** The best first. */
  readonly ranks: readonly RankedText[];
  readonly costs: Costs;
}

/** @throws ServeError 424 for a model that is no reranker. */
export async function rankTexts(
  service: Service,
  input: RerankInput,
  fields: RankFields,
  signal: AbortSignal,
): Promise<Ranks> {
  requireReranker(service.files);
  const options = { rawScores: fields.rawScores ?? false, ...inputOptions(service, fields) };
  const { results, costs } = await inferInputs(service, { name: "rerank", options: {} }, [input], options, signal);
  return { ranks: results[0]!, costs };
}
