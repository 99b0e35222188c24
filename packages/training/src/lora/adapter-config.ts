/** adapter_config.json of PEFT, in and out. What it asks for beyond plain LoRA is refused by name. */
import { isJsonObject } from "@modernbert-ts/encoder";
import type { Head, JsonObject } from "@modernbert-ts/encoder";
import { DataError } from "../errors.ts";
import { loraScale } from "./lora.ts";
import type { LoraOptions } from "./lora.ts";

export interface AdapterConfig {
  /** Folder or name of the model that it was trained beside; undefined where it does not say. */
  readonly base: string | undefined;
  /** What the product of a module's matrices is multiplied by. @param rank the one that they have. */
  scaleOf(module: string, rank: number): number;
  /** Of transformers' model; undefined where it does not say. */
  readonly head: Head | undefined;
  /** Class of transformers' model, where there is no name for its head. */
  readonly className: string | undefined;
}

/** PEFT's names of what models with a head are for; where there is none it writes the class. */
const taskTypes: Readonly<Partial<Record<Head, string>>> = {
  "sequence-classification": "SEQ_CLS",
  "token-classification": "TOKEN_CLS",
  "question-answering": "QUESTION_ANS",
  none: "FEATURE_EXTRACTION",
};

/** Read here, or without effect on what a trained adapter computes. */
const known = new Set(
  [
    "peft_type task_type auto_mapping peft_version base_model_name_or_path revision inference_mode r target_modules exclude_modules lora_alpha",
    "lora_dropout use_rslora modules_to_save init_lora_weights rank_pattern alpha_pattern layers_to_transform layers_pattern bias",
    "megatron_core qalora_group_size runtime_config eva_config",
  ].flatMap((names) => names.split(" ")),
);
/** Other first values change the weights of the base, too. */
const firstValues: readonly unknown[] = [true, false, "gaussian", "orthogonal", "eva", undefined];

/** @param source its path, for messages. @throws DataError `corrupt` (not such a file), `invalid` (what is not done, by its field). */
export function parseAdapterConfig(text: string, source: string): AdapterConfig {
  const json = objectIn(text, source);
  const refuse = (field: string, wanted: string): never => {
    throw new DataError(
      "invalid",
      "lora",
      `expected ${field} ${wanted} in ${source}, got ${JSON.stringify(json[field])}: no other adapter is known here`,
    );
  };
  if (json["peft_type"] !== "LORA") refuse("peft_type", '"LORA"');
  for (const [field, value] of Object.entries(json)) if (!known.has(field) && !isOff(value)) refuse(field, "to be off");
  if ((json["bias"] ?? "none") !== "none") refuse("bias", '"none"');
  if (!firstValues.includes(json["init_lora_weights"]))
    refuse("init_lora_weights", "true, false, gaussian, orthogonal or eva");
  const number = (field: string, value: unknown): number =>
    typeof value === "number" && value > 0 ? value : refuse(field, "to be a number above 0");
  const alpha = number("lora_alpha", json["lora_alpha"]);
  const alphas = Object.entries((json["alpha_pattern"] ?? {}) as JsonObject).map(
    ([pattern, value]) => [patternOf(pattern), number("alpha_pattern", value)] as const,
  );
  const rslora = json["use_rslora"] === true;
  const { auto_mapping: mapping } = json;
  const [base, className] = [
    json["base_model_name_or_path"],
    isJsonObject(mapping) ? mapping["base_model_class"] : null,
  ];
  return {
    base: typeof base === "string" ? base : undefined,
    scaleOf: (module, rank) =>
      loraScale({ rank, alpha: alphas.find(([pattern]) => pattern.test(module))?.[1] ?? alpha, rslora }),
    head: (Object.keys(taskTypes) as Head[]).find((head) => taskTypes[head] === json["task_type"]),
    className: typeof className === "string" ? className : undefined,
  };
}

/** PEFT's rule: a regular expression that the whole name, or what follows a dot in it, is to match. */
function patternOf(pattern: string): RegExp {
  try {
    return new RegExp(`^(.*\\.)?(${pattern})$`);
  } catch {
    throw new DataError(
      "invalid",
      "lora",
      `expected a regular expression in alpha_pattern, got ${JSON.stringify(pattern)}`,
    );
  }
}

function isOff(value: unknown): boolean {
  if (value === null || value === false || value === undefined) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function objectIn(text: string, source: string): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  if (isJsonObject(json)) return json;
  throw new DataError("corrupt", "lora", `expected a JSON object in ${source}, got something else`);
}

export interface AdapterDescription extends Pick<LoraOptions, "rank" | "alpha" | "rslora"> {
  readonly base: string;
  readonly head: Head;
  readonly className: string;
  /** PEFT's names of the layers with an adapter. */
  readonly modules: readonly string[];
  /** PEFT's names of modules that are trained in full. */
  readonly saved: readonly string[];
}

/** The text of adapter_config.json. */
export function adapterConfigText(adapter: AdapterDescription): string {
  const { base, head, className, rank, alpha, rslora, modules, saved } = adapter;
  const taskType = taskTypes[head] ?? null;
  const json = {
    peft_type: "LORA",
    task_type: taskType,
    auto_mapping: taskType === null ? { base_model_class: className, parent_library: moduleOf(className) } : null,
    base_model_name_or_path: base,
    inference_mode: true,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: 0,
    use_rslora: rslora,
    bias: "none",
    target_modules: modules,
    modules_to_save: saved.length > 0 ? saved : null,
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** Where transformers defines ModernBertForMaskedLM. */
function moduleOf(className: string): string {
  const model = className.replace(/(For.*|Model)$/, "").toLowerCase();
  return `transformers.models.${model}.modeling_${model}`;
}
