/** `pipeline(task, model, options)` with the names and result shapes of transformers.js: to move here is to change the import. */
import type { Head } from "@modernbert-ts/encoder";
import { TensorError } from "@modernbert-ts/tensor-core";
import { openPipeline } from "../pipeline.ts";
import { modelOptions } from "./options.ts";
import type { LoadingOptions } from "./options.ts";
import { callables } from "./tasks.ts";
import type { TaskCallables } from "./tasks.ts";

interface Aliases {
  readonly "sentiment-analysis": "text-classification";
  readonly ner: "token-classification";
  readonly embeddings: "feature-extraction";
}

const aliases: Aliases = {
  "sentiment-analysis": "text-classification",
  ner: "token-classification",
  embeddings: "feature-extraction",
};

/** Tasks by all their names. */
export type PipelineTask = keyof TaskCallables | keyof Aliases;

/** A function that computes, and the model behind it. */
export type TaskPipeline<T extends PipelineTask> = TaskCallables[T extends keyof Aliases
  ? Aliases[T]
  : T extends keyof TaskCallables
    ? T
    : never] &
  AsyncDisposable & {
    readonly task: T;
    /** Frees the model and its device. */
    dispose(): Promise<void>;
  };

const heads: Readonly<Record<keyof TaskCallables, Head>> = {
  "feature-extraction": "none",
  "text-classification": "sequence-classification",
  "token-classification": "token-classification",
  "question-answering": "question-answering",
  "fill-mask": "masked-lm",
  "zero-shot-classification": "sequence-classification",
};

/**
 * Opens a model for a task: a folder on disk or a hub id. Texts that are longer than the model takes are cut.
 * @throws TensorError on a task or an option that is not known here, and what `openPipeline` throws.
 */
export async function pipeline<T extends PipelineTask>(
  task: T,
  model: string,
  options: LoadingOptions = {},
): Promise<TaskPipeline<T>> {
  const name = nameOf(task);
  const open = await openPipeline(model, { ...modelOptions(task, model, options), head: heads[name] });
  const close = (): PromiseLike<void> => open[Symbol.asyncDispose]();
  options.progress_callback?.({ status: "ready", task, model });
  const compute = callables[name](open);
  return Object.assign(async (...args: Parameters<typeof compute>) => compute(...args), {
    task,
    dispose: async () => close(),
    [Symbol.asyncDispose]: close,
  }) as unknown as TaskPipeline<T>;
}

function nameOf(task: string): keyof TaskCallables {
  const name = Object.hasOwn(aliases, task) ? aliases[task as keyof Aliases] : task;
  if (Object.hasOwn(heads, name)) return name as keyof TaskCallables;
  throw new TensorError(
    "pipeline",
    `expected a task that is computed here (${[...Object.keys(heads), ...Object.keys(aliases)].join(", ")}), got ${JSON.stringify(task)}`,
  );
}
