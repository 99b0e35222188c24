/** A task on texts or token sequences of any number: packs of bounded size, one after another. */
import { packSequences } from "@modernbert-ts/encoder";
import { defaultPackTokens, inPacks } from "../sequences.ts";
import type { EncodeOptions, PackOptions } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { requireHead } from "./task.ts";
import type { Task } from "./task.ts";

/** One output per sequence, in their order. @throws TensorError on a model with another head. */
export async function runTask<Options, Output>(
  task: Task<Options, Output>,
  model: TextModel,
  sequences: readonly Int32Array[],
  options: Options & PackOptions,
): Promise<Output[]> {
  requireHead(task, model.model.head);
  const outputs = await inPacks(sequences, options.maxTokensPerPack ?? defaultPackTokens, (pack) =>
    task.run(model, packSequences(pack), options),
  );
  model.afterRun?.();
  return outputs;
}

/** One output per text, in their order. @throws TensorError like the task's `prepare`. */
export async function runTaskOnTexts<Options, Output>(
  task: Task<Options, Output>,
  model: TextModel,
  texts: readonly string[],
  options: Options & PackOptions & EncodeOptions,
): Promise<Output[]> {
  requireHead(task, model.model.head);
  return runTask(task, model, task.prepare(model, texts, options), options);
}
