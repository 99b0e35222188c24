/** A model folder, its tokenizer and a backend, opened together: what the functions beside this file work on. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createBackend } from "@modernbert-ts/backends";
import type { BackendChoice, BackendName, BackendOptions } from "@modernbert-ts/backends";
import type { Head, ModernBert } from "@modernbert-ts/modernbert";
import { loadModel } from "@modernbert-ts/modernbert/node";
import { Runtime } from "@modernbert-ts/tensor-core";
import type { FusionMode, Precision } from "@modernbert-ts/tensor-core";
import { loadModernBertTokenizer, Tokenizer } from "@modernbert-ts/tokenizer";
import { ModelNotFoundError, resolveModelFolder } from "./model-folder.ts";
import type { ModelFolderOptions } from "./model-folder.ts";

export interface PipelineOptions extends BackendOptions, ModelFolderOptions {
  readonly backend?: BackendName | "auto";
  /** The head to put on; by default what `architectures` in config.json names. */
  readonly head?: Head;
  readonly precision?: Precision;
  readonly fusion?: FusionMode;
  /** What a person should know: the backend taken and why, a built-in tokenizer in place of a missing one. */
  readonly onNotice?: (notice: string) => void;
}

export interface Pipeline extends AsyncDisposable {
  readonly folder: string;
  readonly choice: BackendChoice;
  readonly runtime: Runtime;
  readonly model: ModernBert;
  readonly tokenizer: Tokenizer;
}

const builtInVocabulary = 50368;

/** Opens a folder or hub id. Dispose it when done: the backend owns threads and memory outside JavaScript. */
export async function openPipeline(source: string, options: PipelineOptions = {}): Promise<Pipeline> {
  const folder = await resolveModelFolder(source, options);
  const choice = await createBackend(options.backend ?? "auto", options);
  options.onNotice?.(choice.reason);
  try {
    const runtime = new Runtime(choice.backend, options.fusion ? { fusion: options.fusion } : {});
    const { head, precision } = options;
    const { model } = await loadModel(folder, { runtime, ...(head && { head }), ...(precision && { precision }) });
    const tokenizer = await openTokenizer(folder, model.config.vocabSize, options.onNotice);
    return {
      folder,
      choice,
      runtime,
      model,
      tokenizer,
      async [Symbol.asyncDispose]() {
        model.dispose();
        await choice.backend[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await choice.backend[Symbol.asyncDispose]();
    throw error;
  }
}

/** The folder's tokenizer.json; the built-in vocabulary where there is none and the model has ModernBERT's 50,368 tokens. */
export async function openTokenizer(
  folder: string,
  vocabSize: number,
  onNotice?: (notice: string) => void,
): Promise<Tokenizer> {
  const file = join(folder, "tokenizer.json");
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text !== undefined) return Tokenizer.fromJSON(text);
  if (vocabSize !== builtInVocabulary) {
    throw new ModelNotFoundError(
      `there is no ${file}, and the built-in tokenizer has ${builtInVocabulary} tokens where the model has ${vocabSize}`,
    );
  }
  onNotice?.(`no tokenizer.json in ${folder}: using the built-in ModernBERT tokenizer`);
  return loadModernBertTokenizer();
}
