/** Rows of a table by id (`gather`, `segmentSum`) and elements of rows by id (`takeAlong`, `putAlong`). */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import type { BadIds } from "../bad-ids.ts";
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

  /** What `pick` finds at checked ids, in the shape of `out`; zeros where an id is bad. `badShape` broadcasts to that shape. */
  function picked(
    out: Operand,
    checked: TfTensor,
    count: number,
    badShape: readonly number[],
    pick: (ids: TfTensor) => TfTensor,
  ): TfTensor {
    if (count === 0) return tf.zeros([...out.shape], out.storage);
    const bad = tf.equal(checked, tf.scalar(count, "int32"));
    const found = tf.reshape(pick(tf.where(bad, tf.scalar(0, "int32"), checked)), [...out.shape]);
    return tf.where(tf.reshape(bad, [...badShape]), tf.scalar(0, out.storage), found);
  }

  return {
    gather([out], [table, ids]) {
      const rows = table!.shape[0]!;
      const checked = badIds.checked("gather", read(tf, ids!), rows);
      if (sizeOf(out!.shape) === 0) return;
      const pick = (safe: TfTensor): TfTensor => tf.gatherND(read(tf, table!), column(tf, safe));
      write(tf, out!, picked(out!, checked, rows, [checked.size, 1], pick));
    },

    segmentSum([out], [values, ids]) {
      const [rows, width] = out!.shape as [number, number];
      const checked = badIds.checked("segmentSum", read(tf, ids!), rows);
      if (sizeOf(out!.shape) === 0) return;
      if (checked.size === 0) return write(tf, out!, tf.zeros([rows, width], out!.storage));
      // A bad id adds to one row more, which is cut off.
      const sums = tf.scatterND(column(tf, checked), read(tf, values!), [rows + 1, width]);
      write(tf, out!, tf.slice(sums, [0, 0], [rows, width]));
    },

    takeAlong([out], [x, ids]) {
      const width = x!.shape[1]!;
      const checked = badIds.checked("takeAlong", read(tf, ids!), width);
      if (sizeOf(out!.shape) === 0) return;
      const pick = (safe: TfTensor): TfTensor =>
        tf.gatherND(tf.reshape(read(tf, x!), [sizeOf(x!.shape)]), places(safe, width));
      write(tf, out!, picked(out!, checked, width, out!.shape, pick));
    },

    putAlong([out], [values, ids]) {
      const [rows, width] = out!.shape as [number, number];
      const checked = badIds.checked("putAlong", read(tf, ids!), width);
      if (sizeOf(out!.shape) === 0) return;
      if (checked.size === 0) return write(tf, out!, tf.zeros([rows, width], out!.storage));
      const given = read(tf, values!);
      const sums = tf.scatterND(places(checked, width + 1), tf.reshape(given, [given.size]), [rows * (width + 1)]);
      write(tf, out!, tf.slice(tf.reshape(sums, [rows, width + 1]), [0, 0], [rows, width]));
    },
  };
}
