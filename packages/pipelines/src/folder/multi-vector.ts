/** How a folder's texts become one vector per token (ColBERT): PyLate up to 3, and MultiVectorEncoder of sentence-transformers 6. */
import { isJsonObject } from "@modernbert-ts/encoder";
import type { JsonObject } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { field, isCount, isFlag, isText, readJsonObject } from "./json-file.ts";
import { configOf, isStep, nameOf } from "./modules.ts";
import type { Module, StepModule } from "./modules.ts";
import { readSteps } from "./steps.ts";
import type { Step } from "./steps.ts";

/** Queries are filled up with a token whose vectors count. */
export interface QueryExpansion {
  /** Tokens of a query at least. */
  readonly length: number;
  /** Longer queries are not allowed. */
  readonly fixed: boolean;
  /** Whether tokens of the query see those that fill it up; these see the query either way. */
  readonly attend: boolean;
  /** What fills up; the mask token where undefined. */
  readonly token: string | undefined;
}

export interface MultiVectorSettings {
  /** What makes a vector of a token's hidden state, in order. */
  readonly steps: readonly Step[];
  /** Numbers of a vector. */
  readonly width: number;
  /** Tokens of the longest query and document; undefined: as the encoder takes. */
  readonly queryLength: number | undefined;
  readonly documentLength: number | undefined;
  readonly expansion: QueryExpansion | undefined;
  /** Tokens whose vectors are left out, and of which texts. */
  readonly skiplist: readonly string[];
  readonly skiplistRoles: readonly string[];
  /** Prompts that were single tokens when the model was trained. */
  readonly prefixes: readonly string[];
  /** What is asked for and not computed. */
  readonly refused: readonly string[];
}

const [promptFile, transformerFile] = ["config_sentence_transformers.json", "sentence_bert_config.json"] as const;
const punctuation = [..."!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"];
const isObject = (value: unknown): value is JsonObject => isJsonObject(value);
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
const isTextOrTexts = (value: unknown): value is string | readonly string[] => isText(value) || isTexts(value);

/** config_sentence_transformers.json with PyLate's prefixes before its prompts, which is where they stood when it was trained. */
export function withPrefixes(texts: JsonObject | undefined): JsonObject | undefined {
  const prompts = texts?.["prompts"] ?? {};
  if (!texts || !isMultiVector(texts) || !isJsonObject(prompts)) return texts;
  const added = (["query", "document"] as const).flatMap((role) => {
    const prefix = texts[`${role}_prefix`];
    if (typeof prefix !== "string") return [];
    const prompt = String(prompts[role] ?? "");
    return [[role, prompt.startsWith(prefix) ? prompt : prefix + prompt] as const];
  });
  return { ...texts, prompts: { ...prompts, ...Object.fromEntries(added) } };
}

/** undefined where the model is of another kind. @throws CheckpointError on malformed files. */
export async function readMultiVector(
  folder: Folder,
  modules: readonly Module[] | undefined,
  { texts, transformer = {} }: { readonly texts: JsonObject | undefined; readonly transformer: JsonObject | undefined },
  hiddenSize: number,
  foreign: readonly string[],
): Promise<MultiVectorSettings | undefined> {
  if (!texts || !isMultiVector(texts)) return undefined;
  const pylate = texts["model_type"] === "ColBERT";
  const refused: string[] = modules ? [] : ["no modules.json"];
  const steps: StepModule[] = [];
  let mask: Module | undefined;
  for (const [at, module] of (modules ?? []).entries()) {
    if (at === 0 && module.name === "Transformer" && module.path === "") continue;
    if (module.name === "MultiVectorMask") mask = module;
    else if (isStep(module)) steps.push({ kind: module.name, path: module.path });
    else refused.push(nameOf(module));
  }
  const read = await readSteps(folder, steps, hiddenSize, "token_embeddings");
  const words = await readMask(folder, mask, pylate ? texts : undefined);
  const length = (role: string): number | undefined =>
    [transformerFile, promptFile]
      .map((file) =>
        field(
          folder,
          file,
          file === promptFile ? texts : transformer,
          `${role}_length`,
          "a positive whole number",
          isCount,
        ),
      )
      .find((value) => value !== undefined);
  const expansion = readExpansion(folder, texts, transformer, length("query"));
  if (expansion && !mask && !pylate) refused.push("query_expansion without MultiVectorMask");
  return {
    steps: pylate ? [...read.steps, { kind: "Normalize" }] : read.steps,
    width: read.width,
    queryLength: length("query"),
    documentLength: length("document"),
    expansion,
    skiplist: words.skiplist,
    skiplistRoles: words.roles,
    prefixes: [texts["query_prefix"], texts["document_prefix"]].filter(isText).filter((prefix) => prefix !== ""),
    refused: [...refused, ...read.refused, ...words.refused, ...foreign],
  };
}

function isMultiVector(texts: JsonObject): boolean {
  return texts["model_type"] === "ColBERT" || texts["model_type"] === "MultiVectorEncoder";
}

interface Words {
  readonly skiplist: readonly string[];
  readonly roles: readonly string[];
  readonly refused: readonly string[];
}

async function readMask(folder: Folder, mask: Module | undefined, pylate: JsonObject | undefined): Promise<Words> {
  const path = mask ? configOf(mask.path) : promptFile;
  const json = mask ? ((await readJsonObject(folder, path)) ?? {}) : (pylate ?? {});
  const skiplist = field(folder, path, json, "skiplist_words", "a list of texts", isTexts);
  const roles = field(folder, path, json, "skiplist_tasks", "a text or a list of texts", isTextOrTexts) ?? ["document"];
  const known = ["skiplist_words", "skiplist_tasks"];
  const foreign = mask ? Object.keys(json).filter((key) => !known.includes(key) && json[key] !== null) : [];
  return {
    skiplist: skiplist ?? (pylate ? punctuation : []),
    roles: [roles].flat(),
    refused: foreign.map((key) => `${key} of ${path}`),
  };
}

const flat = ["query_length", "document_length", "query_expansion", "do_query_expansion", "attend_to_expansion_tokens"];
const markers = [...flat, "attend_to_mask_tokens", "query_prefix", "document_prefix", "skiplist_words"];

/** `query_expansion` of either file; else PyLate's flags, which expand to `query_length` (32) unless they say not to. */
function readExpansion(
  folder: Folder,
  texts: JsonObject,
  transformer: JsonObject,
  queryLength: number | undefined,
): QueryExpansion | undefined {
  const file = "query_expansion" in transformer ? transformerFile : promptFile;
  const object = file === transformerFile ? transformer : texts;
  if ("query_expansion" in object) {
    const json = field(folder, file, object, "query_expansion", "an object", isObject);
    if (!json) return undefined;
    const strategy = field(folder, file, json, "strategy", '"fixed" or "min"', isStrategy);
    const length = field(folder, file, json, "length", "a positive whole number", isCount);
    return {
      length: length ?? 32,
      fixed: strategy !== "min",
      attend: field(folder, file, json, "attend", "true or false", isFlag) ?? false,
      token: field(folder, file, json, "token", "a token", isText),
    };
  }
  const flag = (key: string): boolean | undefined => field(folder, file, texts, key, "true or false", isFlag);
  if (!markers.some((key) => key in texts) || flag("do_query_expansion") === false) return undefined;
  const attend = flag("attend_to_expansion_tokens") ?? flag("attend_to_mask_tokens") ?? false;
  return { length: queryLength ?? 32, fixed: true, attend, token: undefined };
}

const isStrategy = (value: unknown): value is "fixed" | "min" => value === "fixed" || value === "min";
