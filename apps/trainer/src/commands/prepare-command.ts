/** `prepare` as a command: its progress on the terminal, Ctrl-C, the exit code. */
import { availableParallelism } from "node:os";
import { createPrepareView } from "../prepare/progress.ts";
import type { PrepareOptions } from "../prepare/options.ts";
import { INTERRUPTED } from "./run.ts";
import { prepare } from "./prepare.ts";

export type PrepareCommandOptions = Omit<PrepareOptions, "inputs" | "onNotice" | "onProgress" | "signal">;

/** More threads than that wait for the one that reads and writes. */
const mostWorkers = 16;

export async function prepareCommand(inputs: readonly string[], options: PrepareCommandOptions): Promise<void> {
  const { workers = workersFor(availableParallelism()) } = options;
  const view = createPrepareView();
  const stopping = new AbortController();
  const interrupt = (): void => {
    if (stopping.signal.aborted) process.exit(INTERRUPTED);
    stopping.abort();
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    const { onProgress, note: onNotice } = view;
    const { signal } = stopping;
    const result = await prepare({ ...options, inputs, workers, onNotice, onProgress, signal });
    if (result === "stopped") process.exitCode = INTERRUPTED;
    else onNotice(`next: modernbert-train init config.yaml --data ${options.output}`);
  } finally {
    view.stop();
    for (const signal of signals) process.off(signal, interrupt);
  }
}

/** One processor alone tokenizes faster without a thread beside it. */
function workersFor(processors: number): number {
  return processors === 1 ? 0 : Math.min(processors, mostWorkers);
}
