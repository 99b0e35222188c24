/** Prompts: texts that a model wants before others, by name. */
import { CheckpointError, isJsonObject } from "@modernbert-ts/encoder";
import type { JsonObject } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { EmbeddingSettings } from "./embedding.ts";
import { InputError } from "../errors.ts";
import { field } from "./json-file.ts";

export interface Prompts {
  readonly byName: ReadonlyMap<string, string>;
  /** Put before every text where nothing else is asked for. */
  readonly defaultName: string | undefined;
}

/** What a text is for: what is searched with, or what is searched in. */
export type TextRole = "query" | "document";

/** A prompt as a caller asks for it. */
export interface PromptOptions {
  /** The model's prompt of that name, none where it has none: `encode_query` and `encode_document` of sentence-transformers 6. */
  readonly role?: TextRole;
  /** Put before every text; "" for none. Default: the model's default prompt. */
  readonly prompt?: string;
  /** The same, by a name that the model's folder knows. */
  readonly promptName?: string;
}

/** @throws CheckpointError where the default is no prompt of the folder. */
export function readPrompts(
  folder: Folder,
  path: string,
  object: JsonObject | undefined,
  defaultName: string | undefined,
): Prompts {
  const prompts = field(folder, path, object, "prompts", "texts by name", isTexts) ?? {};
  const byName = new Map(Object.entries(prompts));
  if (defaultName !== undefined && !byName.has(defaultName)) {
    throw new CheckpointError(
      "readFolder",
      `expected default_prompt_name in ${folder.name}/${path} to be ${namesOf(byName)}, got ${JSON.stringify(defaultName)}`,
    );
  }
  return { byName, defaultName };
}

/**
 * The text to put before others, "" where there is none; the default unless the options say otherwise.
 * @throws TensorError on a name that the folder does not know, and on a prompt whose tokens the pooling is to leave out.
 */
export function promptText(
  settings: { readonly prompts: Prompts; readonly embedding: Pick<EmbeddingSettings, "includePrompt"> },
  options: PromptOptions = {},
): string {
  const text = chosenPrompt(settings, options);
  if (text === "" || settings.embedding.includePrompt) return text;
  throw new TensorError(
    "prompt",
    "expected no prompt, because the model's pooling leaves prompts out (include_prompt is false), which is not computed here, got one: embed without",
  );
}

/** The same for callers that leave a prompt's tokens out of the pooling where `includePrompt` is false. */
export function chosenPrompt({ prompts }: { readonly prompts: Prompts }, options: PromptOptions): string {
  const { prompt, promptName, role } = options;
  if (prompt === undefined && promptName === undefined && role !== undefined) return prompts.byName.get(role) ?? "";
  return prompt ?? namedPrompt(prompts, promptName);
}

function namedPrompt({ byName, defaultName }: Prompts, name = defaultName): string {
  if (name === undefined) return "";
  const text = byName.get(name);
  if (text !== undefined) return text;
  throw new InputError(
    "prompt",
    "promptName",
    `expected a prompt that the model has (${namesOf(byName)}), got ${JSON.stringify(name)}`,
  );
}

function namesOf(prompts: ReadonlyMap<string, string>): string {
  return [...prompts.keys()].join(", ") || "none";
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isJsonObject(value) && Object.values(value).every((text) => typeof text === "string");
}
