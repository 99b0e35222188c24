/** Inputs to the hidden states of their tokens: what the route and the gRPC service share. */
import { encodeSettings } from "./encode-settings.ts";
import type { PromptFields } from "./encode-settings.ts";
import { ServeError } from "./errors.ts";
import { infer } from "./infer.ts";
import type { Inference } from "./infer.ts";
import type { Input } from "./inputs/read-inputs.ts";
import { requirePooled } from "./model/vector-kind.ts";
import type { Service } from "./service.ts";

/** A vector for each token of each input. @throws ServeError 424 for a model of another kind. */
export async function embedTokensOf(
  service: Service,
  inputs: readonly Input[],
  fields: PromptFields,
  signal: AbortSignal,
): Promise<Inference<"embed-tokens">> {
  if (service.files.vectors.name === "sparse") {
    throw new ServeError("Backend", "`embed_all` is not available for SPLADE models");
  }
  requirePooled(service.files);
  const task = { name: "embed-tokens", options: {} } as const;
  return infer(service, task, inputs, encodeSettings(service, inputs, fields), signal);
}

/** The vectors of one input, one for each token. */
export function rowsOf({ values, width }: { readonly values: Float32Array; readonly width: number }): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, row) => values.subarray(row * width, (row + 1) * width));
}
