/**
 * What sentence-transformers writes beside a model: pooling, the length it was trained for, prompts. Anything in there that would
 * change the vectors and is not supported is an error, never ignored.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Pooling } from "@modernbert-ts/encoder";
import { z } from "zod";
import { StartError } from "../errors.ts";

export interface SentenceTransformers {
  readonly pooling: Pooling | undefined;
  readonly maxSeqLength: number | undefined;
  readonly prompts: ReadonlyMap<string, string>;
  readonly defaultPromptName: string | undefined;
}

const moduleList = z.array(z.object({ type: z.string(), path: z.string().optional() }));
const poolingFile = z.record(z.string(), z.unknown());
const lengthFile = z.object({ max_seq_length: z.int().positive().nullish() });
const promptFile = z.object({
  prompts: z.record(z.string(), z.string()).nullish(),
  default_prompt_name: z.string().nullish(),
});

const supportedModules = ["Transformer", "Pooling", "Normalize"];

/** @param pooling given by the user: a pooling file that says something unsupported is then no error. */
export async function readSentenceTransformers(folder: string, pooling?: Pooling): Promise<SentenceTransformers> {
  const modules = await readJson(folder, "modules.json", moduleList);
  for (const { type } of modules ?? []) {
    const name = type.split(".").at(-1)!;
    if (supportedModules.includes(name)) continue;
    throw new StartError(
      `${join(folder, "modules.json")} has a ${name} module, which is not supported: serve another model`,
    );
  }
  const poolingPath = modules?.find(({ type }) => type.endsWith(".Pooling"))?.path ?? "1_Pooling";
  const poolings = pooling ? undefined : await readJson(folder, join(poolingPath, "config.json"), poolingFile);
  const prompts = await readJson(folder, "config_sentence_transformers.json", promptFile);
  const length = await readJson(folder, "sentence_bert_config.json", lengthFile);
  return {
    pooling: pooling ?? (poolings && poolingOf(poolings, folder)),
    maxSeqLength: length?.max_seq_length ?? undefined,
    prompts: new Map(Object.entries(prompts?.prompts ?? {})),
    defaultPromptName: prompts?.default_prompt_name ?? undefined,
  };
}

function poolingOf(config: Readonly<Record<string, unknown>>, folder: string): Pooling {
  const modes = Object.keys(config).filter((key) => key.startsWith("pooling_mode_") && config[key] === true);
  if (modes.length === 1 && modes[0] === "pooling_mode_cls_token") return "cls";
  if (modes.length === 1 && modes[0] === "pooling_mode_mean_tokens") return "mean";
  throw new StartError(
    `expected pooling cls or mean, got ${modes.join(" and ") || "none"} in ${folder}: choose one with --pooling`,
  );
}

/** The checked file, or undefined where there is none. */
async function readJson<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const file = join(folder, name);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error).replaceAll(/\s+/g, " ") : (error as Error).message;
    throw new StartError(`${file} cannot be read: ${why}`, { cause: error });
  }
}
