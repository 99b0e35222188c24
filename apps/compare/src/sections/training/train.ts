/** A run of the trainer that says nothing and ends with a signal. */
import { checkConfig, runTraining } from "@modernbert-ts/trainer";
import type { RunResult } from "@modernbert-ts/trainer";
import type { TrainingEvent } from "@modernbert-ts/training";

/** @param name for errors. @throws the signal's reason, what the trainer throws */
export async function trainQuietly(
  config: object,
  name: string,
  signal: AbortSignal,
  onEvent: (event: TrainingEvent) => void = () => {},
): Promise<RunResult> {
  const done = new AbortController();
  const result = await runTraining(checkConfig(config, `compare, ${name}`), {
    onNotice: () => {},
    onStart: ({ stop }) => {
      signal.addEventListener("abort", stop, { once: true, signal: done.signal });
      return onEvent;
    },
  }).finally(() => done.abort());
  signal.throwIfAborted();
  return result;
}
