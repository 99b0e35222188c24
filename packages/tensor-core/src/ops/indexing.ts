/** Rows by index and columns by index, and their inverses. All are deterministic. */
import type { TensorSpec } from "../backend/fused.ts";
import { ShapeError } from "../errors.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { applyPrimitive } from "./apply-primitive.ts";
import { contiguous } from "./elementwise.ts";
import { reshape } from "./views.ts";

/** table [V, D], ids i32 [N…] → [N…, D]: an embedding lookup. @throws ShapeError */
export function gather(table: Tensor, ids: Tensor): Tensor {
  if (table.rank !== 2 || ids.dtype !== "i32") {
    throw new ShapeError(
      "gather",
      `expected table [V, D] and i32 ids, got ${showShape(table.shape)} and ${ids.dtype} ${showShape(ids.shape)}`,
    );
  }
  const width = table.shape[1]!;
  const output = { shape: [ids.size, width], dtype: table.dtype };
  return table.runtime.scope(() => {
    const rows = applyToDense("gather", output, [table, reshape(ids, [ids.size])]);
    return reshape(rows, [...ids.shape, width]);
  });
}

/** values [N, D], ids i32 [N] → [rows, D]: sums the values of each id. @throws ShapeError */
export function segmentSum(values: Tensor, ids: Tensor, rows: number): Tensor {
  if (values.rank !== 2 || ids.dtype !== "i32" || !sameShape(ids.shape, [values.shape[0]!])) {
    throw new ShapeError(
      "segmentSum",
      `expected values [N, D] and i32 ids [N], got ${showShape(values.shape)} and ${ids.dtype} ${showShape(ids.shape)}`,
    );
  }
  const output = { shape: [rows, values.shape[1]!], dtype: values.dtype };
  return applyToDense("segmentSum", output, [values, ids]);
}

/** x [R, K], ids i32 [R, J] → [R, J]: picks columns row by row. @throws ShapeError */
export function takeAlong(a: Tensor, ids: Tensor): Tensor {
  checkAlong("takeAlong", a, ids);
  return applyToDense("takeAlong", { shape: ids.shape, dtype: a.dtype }, [a, ids]);
}

/** values [R, J], ids i32 [R, J] → [R, columns]: adds values into zeros, column by column; the inverse of `takeAlong`. @throws ShapeError */
export function putAlong(values: Tensor, ids: Tensor, columns: number): Tensor {
  checkAlong("putAlong", values, ids);
  const output = { shape: [values.shape[0]!, columns], dtype: values.dtype };
  return applyToDense("putAlong", output, [values, ids]);
}

/** These primitives read dense tensors: what is strided is copied, and the copies go at the end. */
function applyToDense(
  op: "gather" | "segmentSum" | "takeAlong" | "putAlong",
  output: TensorSpec,
  inputs: readonly [values: Tensor, ids: Tensor],
): Tensor {
  const { runtime } = inputs[0];
  return runtime.scope(() => applyPrimitive(op, runtime, output, inputs.map(contiguous), {}));
}

function checkAlong(operation: string, a: Tensor, ids: Tensor): void {
  if (a.rank !== 2 || ids.rank !== 2 || ids.dtype !== "i32" || a.shape[0] !== ids.shape[0]) {
    throw new ShapeError(
      operation,
      `expected values [R, …] and i32 ids [R, J], got ${showShape(a.shape)} and ${ids.dtype} ${showShape(ids.shape)}`,
    );
  }
}
