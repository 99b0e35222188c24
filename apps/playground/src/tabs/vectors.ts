/** Vectors of length 1, compared, and what to think of them. */
import type { ModelReport } from "@modernbert-ts/pipelines/worker";

/** Of each pair, row by row. */
export function cosines(rows: readonly Float32Array[], columns: readonly Float32Array[]): number[][] {
  return rows.map((a) => columns.map((b) => a.reduce((sum, value, at) => sum + value * b[at]!, 0)));
}

/** What a person should know of a model's vectors. */
export function vectorNote({ head }: ModelReport): string | undefined {
  if (head === "none") return undefined;
  return "This model was not made for comparing texts, so take it as a hint; embedding models are better at it.";
}
