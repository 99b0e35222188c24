/** A task on texts or their token sequences, of any number: packs of bounded size, one after another. */
import { packSequences } from "@modernbert-ts/encoder";
import { inPacks } from "../sequences.ts";
import type { EncodeOptions, PackOptions } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { inParts } from "./parts.ts";
import { requireHead } from "./task.ts";
import type { Task } from "./task.ts";

/** One answer per sequence, in their order. @throws TensorError on a model with another head. */
export async function runTask<Options, Output, Answer>(
  task: Task<Options, Output, Answer>,
  model: TextModel,
  sequences: readonly Int32Array[],
  options: Options & PackOptions,
): Promise<Answer[]> {
  requireHead(task, model.model.head);
  const { queue, answers } = inParts(task, model, sequences);
  const outputs = await inPacks(queue, options, (pack) => task.run(model, packSequences(pack), options));
  model.afterRun?.();
  return answers(outputs);
}

/** One answer per text, in their order. @throws TensorError like the task's `prepare`. */
export async function runTaskOnTexts<Options, Output, Answer>(
  task: Task<Options, Output, Answer>,
  model: TextModel,
  texts: readonly string[],
  options: Options & PackOptions & EncodeOptions,
): Promise<Answer[]> {
  requireHead(task, model.model.head);
  return runTask(task, model, task.prepare(model, texts, options), options);
}
