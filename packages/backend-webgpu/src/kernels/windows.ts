/** Tables beyond a binding are gone through in windows of rows. */
import type { View } from "@modernbert-ts/tensor-core";
import { UnsupportedError, bytesOf } from "@modernbert-ts/tensor-core";
import type { Device } from "./device.ts";

/** Rows of `width` elements that a binding holds. */
export function rowsPerWindow(device: Device, operation: string, dtype: View["dtype"], width: number): number {
  const bytes = width * bytesOf(dtype);
  const rows = Math.floor((device.maxBindingBytes - 2 * device.bindingAlignment) / Math.max(1, bytes));
  if (rows >= 1) return rows;
  throw new UnsupportedError(operation, `expected rows of at most ${device.maxBindingBytes} bytes, got ${bytes}`);
}

/** Visits `rows` rows, `step` at a time. */
export function eachWindow(rows: number, step: number, visit: (first: number, count: number) => void): void {
  for (let first = 0; first < rows; first += step) visit(first, Math.min(step, rows - first));
}
