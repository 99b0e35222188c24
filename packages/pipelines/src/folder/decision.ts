/**
 * Folders of decision models (Laya): rl_agent_config.json, the encoder's config in encoder/, the tokenizer in tokenizer/, and one file of
 * weights for the encoder and its head. Shown as a folder like others, whose head is "decision".
 */
import { CheckpointError, classNameOf, isJsonObject } from "@modernbert-ts/encoder";
import type { EncoderInfo } from "@modernbert-ts/encoder";
import type { ByteSource, Folder } from "@modernbert-ts/safetensors";
import { architectures } from "../architectures.ts";
import { field, isCount, readJsonObject } from "./json-file.ts";
import type { ModelFolder } from "./uncertain.ts";

/** How questions are put, and how sure answers are. */
export interface DecisionSettings {
  /** Tokens of a question with its state. */
  readonly maxLength: number;
  /** Tokens of a question without. */
  readonly questionLength: number;
  /** Logits are divided by: the temperature of a kind and number of options ("choice:3-5"), else that of the kind. */
  readonly temperatures: ReadonlyMap<string, number>;
  readonly byType: readonly number[];
}

const file = "rl_agent_config.json";
const tokenizerFiles = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"];
/** What is beside the weights, where such models have it. */
export const decisionFiles: readonly string[] = [
  file,
  "encoder/config.json",
  ...tokenizerFiles.map((name) => `tokenizer/${name}`),
];

/** The folder itself where it is none of a decision model. @throws CheckpointError on malformed files. */
export async function viewFolder<F extends Folder>(folder: F): Promise<F> {
  if (await isThere(folder, "config.json")) return folder;
  const settings = await readJsonObject(folder, file);
  if (!settings) return folder;
  if (settings["vision_encoder"] !== undefined && settings["vision_encoder"] !== null) {
    throw new CheckpointError(
      "readFolder",
      `expected a model of texts, got vision_encoder in ${folder.name}/${file}: choose one without`,
    );
  }
  const encoder = await readJsonObject(folder, "encoder/config.json");
  if (!encoder) {
    throw new CheckpointError(
      "readFolder",
      `expected encoder/config.json in ${folder.name}, as ${file} wants, got no such file: download the whole model`,
    );
  }
  const architecture = architectures.find(({ kind }) => kind.modelType === encoder["model_type"]);
  const layers = field(folder, file, settings, "head_layers", "a whole number from 0", isLayers);
  const config = {
    ...encoder,
    ...(architecture && { architectures: [classNameOf(architecture, "decision")] }),
    ...(layers !== undefined && { decision_layers: layers }),
  };
  const open = async (path: string): Promise<ByteSource | undefined> => {
    if (path === "config.json") return textSource(path, JSON.stringify(config));
    return folder.open(tokenizerFiles.includes(path) ? `tokenizer/${path}` : path);
  };
  return { ...folder, open };
}

const isLayers = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;

function textSource(name: string, text: string): ByteSource {
  const bytes = new TextEncoder().encode(text);
  const readInto = async (offset: number, target: Uint8Array): Promise<void> =>
    target.set(bytes.subarray(offset, offset + target.length));
  return { name, size: bytes.length, readInto };
}

async function isThere(folder: Folder, path: string): Promise<boolean> {
  const source = await folder.open(path);
  await source?.close?.();
  return source !== undefined;
}

/** undefined of another kind of model. @throws CheckpointError on malformed files. */
export async function readDecision(
  folder: ModelFolder,
  { head, maxLength }: EncoderInfo,
): Promise<DecisionSettings | undefined> {
  if (head !== "decision") return undefined;
  const json = (await readJsonObject(folder, file)) ?? {};
  const count = (key: string): number | undefined => field(folder, file, json, key, "a positive whole number", isCount);
  const byType = field(folder, file, json, "temperature", "three numbers", isTemperatures) ?? [1, 1, 1];
  const byOptions = field(folder, file, json, "temperature_by_options", "numbers by name", isNumbers) ?? {};
  return {
    maxLength: Math.min(count("max_len") ?? 512, maxLength),
    questionLength: count("head_max_len") ?? 192,
    temperatures: new Map(Object.entries(byOptions).map(([name, value]) => [name, within(value)])),
    byType: byType.map(within),
  };
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isTemperatures = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.length === 3 && value.every(isNumber);
const isNumbers = (value: unknown): value is Readonly<Record<string, number>> =>
  isJsonObject(value) && Object.values(value).every(isNumber);

/** Laya's runtime holds temperatures between these. */
const within = (temperature: number): number => Math.min(5, Math.max(0.5, temperature));
