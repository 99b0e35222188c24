/** Inputs to vectors: what all routes and services that embed share. */
import { promptText } from "@modernbert-ts/pipelines";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Costs } from "./costs.ts";
import { ServeError } from "./errors.ts";
import { infer } from "./infer.ts";
import type { EncodeSettings } from "./inputs/encoder.ts";
import type { Input } from "./inputs/read-inputs.ts";
import { requireEmbedding } from "./model/kind.ts";
import { inputOptions } from "./service.ts";
import type { Service, TruncationFields } from "./service.ts";
import { checkDimensions, finishVector } from "./vectors.ts";

/** As requests write them. */
export interface EmbedFields extends TruncationFields {
  readonly promptName?: string | null | undefined;
  readonly normalize?: boolean;
  readonly dimensions?: number | null | undefined;
}

export interface Vectors {
  /** One for each input. */
  readonly vectors: readonly Float32Array[];
  readonly costs: Costs;
}

/** @throws ServeError 424 for a model that makes no vectors, 422 for fields that it cannot do. */
export async function embedInputs(
  service: Service,
  inputs: readonly Input[],
  fields: EmbedFields,
  signal: AbortSignal,
): Promise<Vectors> {
  requireEmbedding(service.files);
  const { pooling, width, dimensions: kept } = service.files;
  const settings = { normalize: fields.normalize ?? true, dimensions: fields.dimensions ?? kept };
  checkDimensions(settings.dimensions, width);
  const task = {
    name: "embed",
    options: { ...(pooling && { pooling }), normalize: false, dimensions: width },
  } as const;
  const { results, costs } = await infer(service, task, inputs, encodeSettings(service, inputs, fields), signal);
  return { vectors: results.map((pooled) => finishVector(pooled, settings)), costs };
}

/** How texts become tokens. @throws ServeError 422 for a prompt that there is not. */
export function encodeSettings(service: Service, inputs: readonly Input[], fields: EmbedFields): EncodeSettings {
  return {
    ...inputOptions(service, fields),
    prompt: promptFor(service, inputs, fields.promptName ?? undefined),
  };
}

export function promptFor({ files }: Service, inputs: readonly Input[], name: string | undefined): string | undefined {
  if (name === undefined) return files.defaultPrompt;
  if (inputs.some((input) => typeof input !== "string")) {
    throw new ServeError("Validation", "`prompt_name` cannot be used with token ids");
  }
  try {
    return promptText(files.settings, { promptName: name });
  } catch (error) {
    if (!(error instanceof TensorError)) throw error;
    throw new ServeError("Validation", `\`prompt_name\`: ${error.message}`, { cause: error });
  }
}
