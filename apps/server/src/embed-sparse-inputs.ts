/** Inputs to sparse vectors: what the routes and the gRPC service share. */
import { encodeSettings } from "./encode-settings.ts";
import type { PromptFields } from "./encode-settings.ts";
import { infer } from "./infer.ts";
import type { Inference } from "./infer.ts";
import type { Input } from "./inputs/read-inputs.ts";
import { requireSparse } from "./model/vector-kind.ts";
import type { Service } from "./service.ts";

/** The weights above 0 of each input. @throws ServeError 424 for a model of another kind. */
export async function embedSparseInputs(
  service: Service,
  inputs: readonly Input[],
  fields: PromptFields,
  signal: AbortSignal,
): Promise<Inference<"embed-sparse">> {
  requireSparse(service.files);
  const task = { name: "embed-sparse", options: { pooling: "splade" } } as const;
  return infer(service, task, inputs, encodeSettings(service, inputs, fields), signal);
}
