/** What a person should know of a model at work: each thing once. */
import type { Runtime } from "@modernbert-ts/tensor-core";

export type Notify = (notice: string) => void;

/** Passes each notice on the first time that it comes. */
export function eachOnce(onNotice: Notify): Notify {
  const told = new Set<string>();
  return (notice) => {
    if (told.has(notice)) return;
    told.add(notice);
    onNotice(notice);
  };
}

/** Tells what ran without a fused kernel, and why; to be called after a run. */
export function noticeUnfused(runtime: Runtime, onNotice: Notify): void {
  for (const { composite, reason, backend } of runtime.fusedReport()) {
    if (reason === undefined) continue;
    onNotice(`${composite} runs without a fused kernel on ${backend} (${reason}): this is slow`);
  }
}
