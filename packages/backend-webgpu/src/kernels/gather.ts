/** `gather`: a thread per element of the result, once for each window of the table. */
import { bytesOf } from "@modernbert-ts/tensor-core";
import type { View } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { deviceDType, loadBits, storeBits } from "../wgsl/access.ts";
import { errorCode } from "./bad-values.ts";
import { bindDense, errorBinding } from "./bind.ts";
import type { Device } from "./device.ts";
import { eachWindow, rowsPerWindow } from "./windows.ts";

const threads = 64;

export function gather(device: Device, out: View, table: View, ids: View): void {
  const [total, width] = table.shape as [number, number];
  const dtype = deviceDType("gather", table.dtype);
  const step = rowsPerWindow(device, "gather", dtype, width);
  eachWindow(ids.shape[0]!, step, (firstRow, rows) => {
    const to = bindDense(device, "gather", "y", out, true, {
      access: "bits",
      from: firstRow * width,
      count: rows * width,
    });
    const at = bindDense(device, "gather", "ids", ids, false, { from: firstRow, count: rows });
    eachWindow(Math.max(1, total), step, (first, count) => {
      const window = { access: "bits", from: first * width, count: count * width } as const;
      const from = bindDense(device, "gather", "x", table, false, window);
      const bytesTouched = Math.min(rows, count) * width * bytesOf(dtype);
      device.stream.dispatch({
        key: `gather ${dtype}`,
        parameters: [
          ["size", "u32", Math.max(1, rows * width)],
          ["width", "u32", width],
          ["rows", "u32", rows],
          ["total", "u32", total],
          ["first", "u32", first],
          ["count", "u32", count],
          ["x_base", "u32", from.base],
          ["y_base", "u32", to.base],
          ["ids_base", "u32", at.base],
        ],
        bindings: [to.binding, { ...from.binding, bytesTouched }, at.binding, errorBinding(device)],
        groups: Math.ceil((rows * Math.max(1, width)) / threads),
        body: () => `${loadBits("x", dtype)}
${storeBits("y", dtype)}
@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex} * ${threads}u + local;
  let row = index / max(1u, p.width);
  let column = index % max(1u, p.width);
  if (row >= p.rows) { return; }
  let id = ids[p.ids_base + row];
  let bad = id < 0 || u32(id) >= p.total;
  if (bad && column == 0u) { report_(${errorCode("gather")}u, id, p.total); }
  if (column >= p.width) { return; }
  let inside = !bad && u32(id) >= p.first && u32(id) < p.first + p.count;
  if (inside) {
    store_y(p.y_base + index, load_x(p.x_base + (u32(id) - p.first) * p.width + column));
  } else if (bad && p.first == 0u) {
    store_y(p.y_base + index, 0u);
  }
}`,
      });
    });
  });
}
