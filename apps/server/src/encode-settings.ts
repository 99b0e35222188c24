/** What requests say of how texts become tokens, as the encoder takes it. */
import { promptText } from "@modernbert-ts/pipelines";
import { TensorError } from "@modernbert-ts/tensor-core";
import { ServeError } from "./errors.ts";
import type { EncodeSettings } from "./inputs/encoder.ts";
import type { Input } from "./inputs/read-inputs.ts";
import { inputOptions } from "./service.ts";
import type { Service, TruncationFields } from "./service.ts";

/** As requests write them. */
export interface PromptFields extends TruncationFields {
  readonly promptName?: string | null | undefined;
}

/** @throws ServeError 422 for a prompt that there is not. */
export function encodeSettings(service: Service, inputs: readonly Input[], fields: PromptFields): EncodeSettings {
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
