/** A task on inputs of any number: packs of bounded size, one after another. */
import { packSequences } from "@modernbert-ts/encoder";
import { inPacks } from "../sequences.ts";
import type { EncodeOptions, PackOptions } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { requireHead } from "./task.ts";
import type { Task, Work } from "./task.ts";
import { workQueue } from "./work-queue.ts";

/** One answer per input, in their order. @throws TensorError on a model with another head, what an aborted `signal` says, and like the task's `prepare`. */
export async function runTask<Input, Options, Output, Answer>(
  task: Task<Input, Options, Output, Answer>,
  model: TextModel,
  inputs: readonly Input[],
  options: Options & PackOptions & EncodeOptions,
): Promise<Answer[]> {
  requireHead(task, model.info.head);
  const { nameOf = (index) => `text ${index}` } = options;
  const works: Work<Output, Answer>[] = [];
  for (const [index, input] of inputs.entries()) {
    works.push(await task.prepare(model, input, { ...options, name: nameOf(index) }));
  }
  const { sequences, answers } = workQueue(works);
  const outputs = await inPacks(sequences, options, (pack) => task.run(model, packSequences(pack), options));
  model.afterRun?.();
  return answers(outputs);
}
