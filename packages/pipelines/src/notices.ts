/** What ran without a fused kernel, and why: said once per reason. */
import type { Runtime } from "@modernbert-ts/tensor-core";

/** Tells each reason the first time that it is seen; to be called after a run. */
export function unfusedNotices(runtime: Runtime, onNotice: (notice: string) => void): () => void {
  const told = new Set<string>();
  return () => {
    for (const { composite, reason, backend } of runtime.fusedReport()) {
      if (reason === undefined) continue;
      const notice = `${composite} runs without a fused kernel on ${backend} (${reason}): this is slow`;
      if (told.has(notice)) continue;
      told.add(notice);
      onNotice(notice);
    }
  };
}
