/** Prompts: texts that a model wants before others, by name. */
import { CheckpointError, isJsonObject } from "@modernbert-ts/encoder";
import type { JsonObject } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { TensorError } from "@modernbert-ts/tensor-core";
import { field } from "./json-file.ts";

export interface Prompts {
  readonly byName: ReadonlyMap<string, string>;
  /** Put before every text where nothing else is asked for. */
  readonly defaultName: string | undefined;
}

/** A prompt as a caller asks for it. */
export interface PromptOptions {
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

/** The text to put before others; "" where there is none. @throws TensorError on a name that the folder does not know. */
export function promptText({ byName, defaultName }: Prompts, { prompt, promptName }: PromptOptions): string {
  if (prompt !== undefined) return prompt;
  const name = promptName ?? defaultName;
  if (name === undefined) return "";
  const text = byName.get(name);
  if (text !== undefined) return text;
  throw new TensorError(
    "prompt",
    `expected a prompt that the model has (${namesOf(byName)}), got ${JSON.stringify(name)}`,
  );
}

function namesOf(prompts: ReadonlyMap<string, string>): string {
  return [...prompts.keys()].join(", ") || "none";
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isJsonObject(value) && Object.values(value).every((text) => typeof text === "string");
}
