/**
 * `segmentSum`, the inverse of `gather`, without atomics: the first row of each id leads, and adds the later rows with the same id in
 * their order.
 */
import type { View } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { deviceDType, loadFunction, storeFunction } from "../wgsl/access.ts";
import { errorCode } from "./bad-values.ts";
import { bindDense, errorBinding } from "./bind.ts";
import type { Device } from "./device.ts";
import { eachWindow, rowsPerWindow } from "./windows.ts";

const threads = 64;

/** Rows that are summed at a time: as many as a binding holds, of values, f32 sums and ids. */
export function segmentRows(device: Device, values: View): number {
  return rowsPerWindow(device, "segmentSum", "f32", Math.max(1, values.shape[1]!));
}

/**
 * Adds rows with equal ids to an output of zeros, as many rows at a time as a binding holds. `links[i]` holds twice the next row with the
 * id of row i plus one (0: none), and 1 if no earlier row has it.
 */
export function segmentSum(device: Device, out: View, values: View, ids: View, step: number): void {
  const [total, width] = out.shape as [number, number];
  const dtype = deviceDType("segmentSum", values.dtype);
  const result = deviceDType("segmentSum", out.dtype);
  eachWindow(ids.shape[0]!, step, (firstRow, count) => {
    const at = bindDense(device, "segmentSum", "ids", ids, false, { from: firstRow, count });
    const x = { from: firstRow * width, count: count * width };
    const from = bindDense(device, "segmentSum", "x", values, false, x);
    device.memory.pool.lend(count * 4, (scratch) => {
      const links = { name: "links", type: "u32", buffer: scratch, byteOffset: 0, byteLength: scratch.bytes };
      device.stream.dispatch({
        key: "segmentSum links",
        parameters: [
          ["count", "u32", count],
          ["total", "u32", total],
          ["ids_base", "u32", at.base],
        ],
        bindings: [{ ...links, writes: true }, at.binding, errorBinding(device)],
        groups: Math.ceil(count / threads),
        body: printLinks,
      });
      if (width === 0) return;
      eachWindow(total, step, (first, rows) => {
        const to = bindDense(device, "segmentSum", "y", out, true, { from: first * width, count: rows * width });
        device.stream.dispatch({
          key: `segmentSum ${dtype} ${result}`,
          parameters: [
            ["size", "u32", count * width],
            ["width", "u32", width],
            ["first", "u32", first],
            ["rows", "u32", rows],
            ["x_base", "u32", from.base],
            ["y_base", "u32", to.base],
            ["ids_base", "u32", at.base],
          ],
          bindings: [to.binding, from.binding, at.binding, { ...links, writes: false }],
          groups: Math.ceil((count * width) / threads),
          body: () => `${loadFunction("x", dtype)}
${loadFunction("y", result, true)}
${storeFunction("y", result)}
@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex} * ${threads}u + local;
  if (index >= p.size) { return; }
  var row = index / p.width;
  let column = index % p.width;
  let id = ids[p.ids_base + row];
  if ((links[row] & 1u) == 0u || id < i32(p.first) || id >= i32(p.first + p.rows)) { return; }
  let to = p.y_base + (u32(id) - p.first) * p.width + column;
  var sum = load_y(to);
  loop {
    sum += load_x(p.x_base + row * p.width + column);
    let next = links[row] >> 1u;
    if (next == 0u) { break; }
    row = next - 1u;
  }
  store_y(to, sum);
}`,
        });
      });
    });
  });
}

/** A thread per row: the nearest later row with the same id, and whether there is an earlier one. */
function printLinks(): string {
  return `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let row = ${groupIndex} * ${threads}u + local;
  if (row >= p.count) { return; }
  let id = ids[p.ids_base + row];
  if (id < 0 || u32(id) >= p.total) {
    report_(${errorCode("segmentSum")}u, id, p.total);
    links[row] = 0u;
    return;
  }
  var earlier = row;
  loop {
    if (earlier == 0u) { break; }
    earlier -= 1u;
    if (ids[p.ids_base + earlier] == id) { earlier += 1u; break; }
  }
  var later = row + 1u;
  while (later < p.count && ids[p.ids_base + later] != id) { later += 1u; }
  let next = select(0u, later + 1u, later < p.count);
  links[row] = (next << 1u) | select(0u, 1u, earlier == 0u);
}`;
}
