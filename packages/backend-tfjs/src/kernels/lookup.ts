/** Rows of a table by id (`gather`, `segmentSum`) and elements of rows by id (`takeAlong`, `putAlong`). Bad ids mean one place more. */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import type { BadIds } from "../bad-ids.ts";
import { storageOf } from "../dtypes.ts";
import { read, write } from "../operand.ts";
import type { Operand } from "../operand.ts";
import { column } from "../shaping.ts";
import type { TfModule, TfTensor } from "../tfjs.ts";

type Lookups = Pick<PrimitiveKernels<Operand>, "gather" | "segmentSum" | "takeAlong" | "putAlong">;

export function lookupKernels(tf: TfModule, badIds: BadIds): Lookups {
  /** For each id of [R, J], its place in a flat [R, width]. */
  function places(ids: TfTensor, width: number): TfTensor {
    const rows = Int32Array.from({ length: ids.shape[0]! }, (_, row) => row * width);
    return column(tf, tf.add(ids, tf.reshape(tf.tensor1d(rows, "int32"), [rows.length, 1])));
  }

  /** x [N, D] with zeros behind: [N, D + 1] along axis 1, [N + 1, D] along axis 0. */
  function extended(x: Operand, axis: 0 | 1): TfTensor {
    const [rows, width] = x.shape as [number, number];
    const zeros = tf.zeros(axis === 0 ? [1, width] : [rows, 1], storageOf("gather", x.dtype));
    return tf.concat([read(tf, x), zeros], axis);
  }

  return {
    gather([out], [table, ids]) {
      const checked = badIds.checked("gather", read(tf, ids!), table!.shape[0]!);
      if (sizeOf(out!.shape) === 0) return;
      write(tf, out!, tf.gatherND(extended(table!, 0), column(tf, checked)));
    },

    segmentSum([out], [values, ids]) {
      const [rows, width] = out!.shape as [number, number];
      const checked = badIds.checked("segmentSum", read(tf, ids!), rows);
      if (sizeOf(out!.shape) === 0) return;
      if (checked.size === 0) return write(tf, out!, tf.zeros([rows, width], storageOf("segmentSum", out!.dtype)));
      const sums = tf.scatterND(column(tf, checked), read(tf, values!), [rows + 1, width]);
      write(tf, out!, tf.slice(sums, [0, 0], [rows, width]));
    },

    takeAlong([out], [x, ids]) {
      const width = x!.shape[1]!;
      const checked = badIds.checked("takeAlong", read(tf, ids!), width);
      if (sizeOf(out!.shape) === 0) return;
      const flat = tf.reshape(extended(x!, 1), [x!.shape[0]! * (width + 1)]);
      write(tf, out!, tf.reshape(tf.gatherND(flat, places(checked, width + 1)), [...out!.shape]));
    },

    putAlong([out], [values, ids]) {
      const [rows, width] = out!.shape as [number, number];
      const checked = badIds.checked("putAlong", read(tf, ids!), width);
      if (sizeOf(out!.shape) === 0) return;
      if (checked.size === 0) return write(tf, out!, tf.zeros([rows, width], storageOf("putAlong", out!.dtype)));
      const given = read(tf, values!);
      const sums = tf.scatterND(places(checked, width + 1), tf.reshape(given, [given.size]), [rows * (width + 1)]);
      write(tf, out!, tf.slice(tf.reshape(sums, [rows, width + 1]), [0, 0], [rows, width]));
    },
  };
}
