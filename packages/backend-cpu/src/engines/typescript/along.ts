/** `takeAlong` and its inverse `putAlong`: elements of each row by id. */
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { badIds } from "./ids.ts";
import { readRun, scratch, writeRun } from "./operand.ts";
import type { Operand } from "./operand.ts";

export const alongKernels: Pick<PrimitiveKernels<Operand>, "takeAlong" | "putAlong"> = {
  takeAlong([out], [x, ids]) {
    const [rows, width] = x!.shape as [number, number];
    const taken = ids!.shape[1]!;
    const bad = badIds("takeAlong", width);
    for (let row = 0; row < rows; row++) {
      for (let j = 0; j < taken; j++) {
        const at = row * taken + j;
        const id = ids!.data[ids!.offset + at]!;
        out!.data[out!.offset + at] = bad.includes(id) ? 0 : x!.data[x!.offset + row * width + id]!;
      }
    }
    bad.throwIfAny();
  },

  putAlong([out], [values, ids]) {
    const [rows, width] = out!.shape as [number, number];
    const given = ids!.shape[1]!;
    const bad = badIds("putAlong", width);
    const line = scratch(0, given);
    const total = scratch(1, width);
    for (let row = 0; row < rows; row++) {
      total.fill(0, 0, width);
      readRun(values!, values!.offset + row * given, 1, given, line, 0);
      for (let j = 0; j < given; j++) {
        const id = ids!.data[ids!.offset + row * given + j]!;
        if (!bad.includes(id)) total[id]! += line[j]!;
      }
      writeRun(out!, out!.offset + row * width, 1, width, total, 0);
    }
    bad.throwIfAny();
  },
};
