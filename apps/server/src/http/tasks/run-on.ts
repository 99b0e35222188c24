/** What the routes of Hugging Face's tasks share: one input or a list of them, computed by a task that prepares them itself. */
import type { TaskInput, TaskName, TaskOptions } from "@modernbert-ts/pipelines";
import { ServeError } from "../../errors.ts";
import { inferInputs } from "../../infer.ts";
import { checkBatchSize, empty } from "../../inputs/read-inputs.ts";
import type { Task } from "../../model/protocol.ts";
import { inputOptions } from "../../service.ts";
import { answer } from "../route.ts";
import type { Answer, Asked } from "../route.ts";

/** A list answers a list, one input its answer alone. @throws ServeError 424 where the model has not the `head`. */
export async function runOn<N extends TaskName>(
  task: Task<N>,
  input: TaskInput<N> | readonly TaskInput<N>[],
  options: TaskOptions<N>,
  { service, signal }: Asked,
): Promise<Answer> {
  const inputs = (Array.isArray(input) ? input : [input]) as readonly TaskInput<N>[];
  if (inputs.length === 0) throw empty({ field: "inputs" });
  checkBatchSize(inputs.length, service.options.maxClientBatchSize);
  const all = { ...options, ...inputOptions(service, {}) };
  const { results, costs } = await inferInputs(service, task, inputs, all, signal);
  return answer(Array.isArray(input) ? results : results[0], costs);
}

export function requireHeadOf({ service }: Asked, head: string, what: string): void {
  if (service.files.info.head !== head) throw new ServeError("Backend", `Model is not a ${what} model`);
}

/** Options without those that a request leaves out. */
export function given<T extends object>(options: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}
