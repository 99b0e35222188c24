/** The draw of dropout on the device: written before a step, so that a captured step draws anew at each replay. */
import type { ForwardOptions } from "@modernbert-ts/encoder";
import { stepWords } from "@modernbert-ts/tensor-core";
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
import { checkInteger } from "../errors.ts";
import type { RowDraw } from "./objective.ts";

/** Rows that a step may have on all ranks, so that every micro-batch draws numbers of its own. */
const MAX_ROWS = 2 ** 16;

/** Where the number of the draw lies, u32 [2]; undefined without dropout. It belongs to the scope around. */
export function uploadDraw(runtime: Runtime, step: RowDraw | undefined): Tensor | undefined {
  return step && runtime.tensor(wordsOf(step), [2], "u32");
}

/** Another draw in its place. */
export function overwriteDraw(draw: Tensor | undefined, step: RowDraw | undefined): void {
  if (draw && step) draw.runtime.write(draw, wordsOf(step));
}

/** @param seed unsigned 32-bit. */
export function dropoutOf(draw: Tensor | undefined, seed: number): ForwardOptions {
  return draw ? { dropout: { seed, step: draw } } : {};
}

function wordsOf({ step, row }: RowDraw): Uint32Array {
  checkInteger("dropout", "row", row, 0, MAX_ROWS - 1);
  return stepWords(step * MAX_ROWS + row);
}
