/** `gather` and its inverse `segmentSum`: rows of a table by id. */
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { badIds } from "./ids.ts";
import { readRun, scratch, writeRun } from "./operand.ts";
import type { Operand } from "./operand.ts";

export const lookupKernels: Pick<PrimitiveKernels<Operand>, "gather" | "segmentSum"> = {
  gather([out], [table, ids]) {
    const [rows, width] = table!.shape as [number, number];
    const bad = badIds("gather", rows);
    const [count] = ids!.shape as [number];
    for (let i = 0; i < count; i++) {
      const id = ids!.data[ids!.offset + i]!;
      const to = out!.offset + i * width;
      if (bad.includes(id)) {
        out!.data.fill(0, to, to + width);
      } else {
        const from = table!.offset + id * width;
        out!.data.set(table!.data.subarray(from, from + width), to);
      }
    }
    bad.throwIfAny();
  },

  segmentSum([out], [values, ids]) {
    const [rows, width] = out!.shape as [number, number];
    const [count] = ids!.shape as [number];
    const bad = badIds("segmentSum", rows);
    // Chains of equal ids in the order of i: the first i of each id, and for each i the next one with the same id.
    const first = new Int32Array(rows).fill(-1);
    const next = new Int32Array(count);
    for (let i = count - 1; i >= 0; i--) {
      const id = ids!.data[ids!.offset + i]!;
      if (bad.includes(id)) continue;
      next[i] = first[id]!;
      first[id] = i;
    }
    const line = scratch(0, width);
    const total = scratch(1, width);
    for (let row = 0; row < rows; row++) {
      total.fill(0, 0, width);
      for (let i = first[row]!; i >= 0; i = next[i]!) {
        readRun(values!, values!.offset + i * width, 1, width, line, 0);
        for (let column = 0; column < width; column++) total[column]! += line[column]!;
      }
      writeRun(out!, out!.offset + row * width, 1, width, total, 0);
    }
    bad.throwIfAny();
  },
};
