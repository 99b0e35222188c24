/** A worker as a process: works until it is told to stop. */
import { startWorker } from "@modernbert-ts/bulk";
import { closeOnSignals, fail, parsedOrExit } from "../process.ts";
import { parseWorker } from "./command.ts";

function onNotice(notice: string): void {
  console.error(notice);
}

/** Ends the process with one line where no Redis answers at the beginning. */
export async function work(args: readonly string[]): Promise<void> {
  const { queue, lockSeconds, backend, threads, debug, ...hub } = parsedOrExit(() => parseWorker(args));
  if (hub.hfToken !== undefined) process.env["HF_TOKEN"] = hub.hfToken;
  if (hub.huggingfaceHubCache !== undefined) process.env["HF_HUB_CACHE"] = hub.huggingfaceHubCache;
  try {
    const worker = await startWorker(queue, {
      backend,
      lockSeconds,
      onNotice,
      ...(threads !== undefined && { threads }),
    });
    onNotice(`waiting for jobs on ${new URL(queue).host}`);
    closeOnSignals(async () => worker[Symbol.asyncDispose](), debug);
  } catch (error) {
    fail(error, debug);
  }
}
