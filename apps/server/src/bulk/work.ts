/** A worker as a process: works until it is told to stop. */
import { startWorker } from "@modernbert-ts/bulk";
import { parseWorker } from "./command.ts";
import { endOnSignals } from "../signals.ts";
import type { Ending } from "../signals.ts";

/** @throws CommanderError, and BulkError where no Redis answers at the beginning. */
export async function work(args: readonly string[], ending: (debug: boolean) => Ending): Promise<void> {
  const { queue, lockSeconds, backend, threads, hfToken, huggingfaceHubCache, debug } = parseWorker(args);
  if (hfToken !== undefined) process.env["HF_TOKEN"] = hfToken;
  if (huggingfaceHubCache !== undefined) process.env["HF_HUB_CACHE"] = huggingfaceHubCache;
  const { fail } = ending(debug);
  try {
    const onNotice = (notice: string): void => console.error(notice);
    const worker = await startWorker(queue, { backend, lockSeconds, onNotice, ...(threads !== undefined && { threads }) });
    onNotice(`waiting for jobs on ${new URL(queue).host}`);
    endOnSignals(() => worker[Symbol.asyncDispose](), fail);
  } catch (error) {
    fail(error);
  }
}
