/** A model and its tokenizer on a backend, opened together: what the functions beside this file work on. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError } from "@modernbert-ts/modernbert";
import type { ModernBertConfig, Pooling } from "@modernbert-ts/modernbert";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { openModel } from "./model.ts";
import type { ModelOptions, OpenModel } from "./model.ts";
import { openTokenizer } from "./tokenizer.ts";

export type PipelineOptions = ModelOptions;

export interface Pipeline extends OpenModel {
  readonly tokenizer: Tokenizer;
  /** How this model's embeddings are pooled; undefined when it asks for a way that is not implemented. */
  readonly pooling: Pooling | undefined;
}

/** Opens a folder or hub id. Dispose it when done: the backend owns threads and memory outside JavaScript. */
export async function openPipeline(source: string, options: PipelineOptions = {}): Promise<Pipeline> {
  const open = await openModel(source, options);
  try {
    const { folder, model } = open;
    const tokenizer = await openTokenizer(folder, model.config.vocabSize, options.onNotice);
    return { ...open, tokenizer, pooling: await poolingOf(folder, model.config) };
  } catch (error) {
    await open[Symbol.asyncDispose]();
    throw error;
  }
}

/** What a sentence-transformers folder says in 1_Pooling/config.json, else `classifier_pooling`. @throws CheckpointError */
async function poolingOf(folder: string, config: ModernBertConfig): Promise<Pooling | undefined> {
  const file = join(folder, "1_Pooling", "config.json");
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return config.classifierPooling;
  const modes = parseObject(file, text);
  const on = Object.keys(modes).filter((key) => key.startsWith("pooling_mode_") && modes[key] === true);
  if (on.length !== 1) return undefined;
  return ({ pooling_mode_cls_token: "cls", pooling_mode_mean_tokens: "mean" } as const)[on[0]!];
}

function parseObject(file: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  const found =
    value === undefined ? "text that is not JSON" : Array.isArray(value) ? "an array" : JSON.stringify(value);
  throw new CheckpointError("pooling", `expected a JSON object in ${file}, got ${found}: download or save it again`);
}
