/**
 * `gather` and its inverse `segmentSum`, `takeAlong` and its inverse `putAlong`. The inverses use no atomics: the first row of each id
 * leads, and adds the later rows with the same id in their order. Tables beyond a binding are gone through in windows of rows.
 */
import type { PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import { UnsupportedError, bytesOf, sizeOf } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/stream.ts";
import { deviceDType, isPacked, loadBits, loadFunction, storeBits, storeFunction, valueType } from "../wgsl/access.ts";
import { errorCode } from "./bad-values.ts";
import { bindDense, bindLane, errorBinding, laneOf, throughFloat32 } from "./space.ts";
import type { Device } from "./space.ts";

const threads = 64;

type Lookups = Pick<PrimitiveKernels<View>, "gather" | "segmentSum" | "takeAlong" | "putAlong">;

/**
 * @param clear Fills with zeros.
 * @param copy The primitive `copy`.
 */
export function lookupKernels(device: Device, clear: (out: View) => void, copy: (out: View, x: View) => void): Lookups {
  return {
    gather: ([out], [table, ids]) => gather(device, out!, table!, ids!),
    segmentSum([out], [values, ids]) {
      const step = segmentRows(device, values!);
      const sum = (to: View): void => {
        clear(to);
        segmentSum(device, to, values!, ids!, step);
      };
      if (values!.shape[0]! <= step || !isPacked(deviceDType("segmentSum", out!.dtype))) sum(out!);
      else throughFloat32(device, copy, out!, false, sum);
    },
    takeAlong: ([out], [x, ids]) => takeAlong(device, out!, x!, ids!),
    putAlong([out], [values, ids]) {
      clear(out!);
      putAlong(device, out!, values!, ids!);
    },
  };
}

/** Rows of `width` elements that a binding holds. */
function rowsPerWindow(device: Device, operation: string, dtype: View["dtype"], width: number): number {
  const bytes = width * bytesOf(dtype);
  const rows = Math.floor((device.maxBindingBytes - 2 * device.bindingAlignment) / Math.max(1, bytes));
  if (rows >= 1) return rows;
  throw new UnsupportedError(operation, `expected rows of at most ${device.maxBindingBytes} bytes, got ${bytes}`);
}

function eachWindow(rows: number, step: number, visit: (first: number, count: number) => void): void {
  for (let first = 0; first < rows; first += step) visit(first, Math.min(step, rows - first));
}

function gather(device: Device, out: View, table: View, ids: View): void {
  const [total, width] = table.shape as [number, number];
  const dtype = deviceDType("gather", table.dtype);
  const step = rowsPerWindow(device, "gather", dtype, width);
  eachWindow(ids.shape[0]!, step, (firstRow, rows) => {
    const to = bindDense(device, "gather", "y", out, true, { raw: true, from: firstRow * width, count: rows * width });
    const at = bindDense(device, "gather", "ids", ids, false, { from: firstRow, count: rows });
    eachWindow(Math.max(1, total), step, (first, count) => {
      const window = { raw: true, from: first * width, count: count * width };
      const from = bindDense(device, "gather", "x", table, false, window);
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
        bindings: [to.binding, from.binding, at.binding, errorBinding(device)],
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

/** Rows that are summed at a time: as many as a binding holds, of values, f32 sums and ids. */
function segmentRows(device: Device, values: View): number {
  return rowsPerWindow(device, "segmentSum", "f32", Math.max(1, values.shape[1]!));
}

/**
 * Adds rows with equal ids to an output of zeros, as many rows at a time as a binding holds. `links[i]` holds twice the next row with the
 * id of row i plus one (0: none), and 1 if no earlier row has it.
 */
function segmentSum(device: Device, out: View, values: View, ids: View, step: number): void {
  const [total, width] = out.shape as [number, number];
  const dtype = deviceDType("segmentSum", values.dtype);
  const result = deviceDType("segmentSum", out.dtype);
  eachWindow(ids.shape[0]!, step, (firstRow, count) => {
    const at = bindDense(device, "segmentSum", "ids", ids, false, { from: firstRow, count });
    const x = { from: firstRow * width, count: count * width };
    const from = bindDense(device, "segmentSum", "x", values, false, x);
    device.memory.withScratch(count * 4, (scratch) => {
      const links = { name: "links", type: "u32", buffer: scratch, byteOffset: 0, byteLength: scratch.size };
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

function takeAlong(device: Device, out: View, x: View, ids: View): void {
  const [rows, width] = x.shape as [number, number];
  const given = ids.shape[1]!;
  if (sizeOf(ids.shape) === 0) return;
  const dtype = deviceDType("takeAlong", x.dtype);
  const step = rowsPerWindow(device, "takeAlong", "f32", Math.max(width, given));
  eachWindow(rows, step, (first, count) => {
    alongRows(device, "takeAlong", { data: x, width, out, outWidth: given, ids, given, first, count }, true, () => {
      return `${loadBits("x", dtype)}
${storeBits("y", dtype)}
${alongMain("takeAlong")}
  var bits = 0u;
  if (!bad) { bits = load_x(p.x_base + row * p.width + u32(id)); }
  store_y(p.y_base + index, bits);
}`;
    });
  });
}

function putAlong(device: Device, out: View, values: View, ids: View): void {
  const [rows, given] = values.shape as [number, number];
  const width = out.shape[1]!;
  if (rows * given === 0) return;
  const dtype = deviceDType("putAlong", values.dtype);
  const step = rowsPerWindow(device, "putAlong", "f32", Math.max(width, given));
  eachWindow(rows, step, (first, count) => {
    alongRows(
      device,
      "putAlong",
      { data: values, width: given, out, outWidth: width, ids, given, first, count },
      false,
      () => {
        return `${loadFunction("x", dtype)}
${storeFunction("y", dtype)}
${alongMain("putAlong")}
  if (bad) { return; }
  let start = index - index % p.given;
  for (var i = start; i < index; i++) { if (ids[p.ids_base + i] == id) { return; } }
  var sum = ${valueType(dtype)}(0);
  for (var i = index; i < start + p.given; i++) {
    if (ids[p.ids_base + i] == id) { sum += load_x(p.x_base + i); }
  }
  store_y(p.y_base + row * p.out_width + u32(id), sum);
}`;
      },
    );
  });
}

/** Opens `main` with a thread per id, and refuses ids outside the row that they index. */
function alongMain(operation: "takeAlong" | "putAlong"): string {
  const range = operation === "takeAlong" ? "p.width" : "p.out_width";
  return `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex} * ${threads}u + local;
  if (index >= p.size) { return; }
  let row = index / p.given;
  let id = ids[p.ids_base + index];
  let bad = id < 0 || u32(id) >= ${range};
  if (bad) { report_(${errorCode(operation)}u, id, ${range}); }`;
}

interface Along {
  readonly data: View;
  readonly width: number;
  readonly out: View;
  readonly outWidth: number;
  readonly ids: View;
  readonly given: number;
  readonly first: number;
  readonly count: number;
}

function alongRows(
  device: Device,
  operation: "takeAlong" | "putAlong",
  { data, width, out, outWidth, ids, given, first, count }: Along,
  raw: boolean,
  body: () => string,
): void {
  const part = (view: View, name: string, columns: number, writes: boolean, bits: boolean) => {
    const lane = laneOf(device, operation, { ...view, offset: view.offset + first * columns }, [1]);
    return bindLane(device, name, [Math.max(1, count * columns)], lane, writes, bits);
  };
  const to = part(out, "y", outWidth, true, raw);
  const from = part(data, "x", width, false, raw);
  const at = part(ids, "ids", given, false, false);
  device.stream.dispatch({
    key: `${operation} ${data.dtype}`,
    parameters: [
      ["size", "u32", count * given],
      ["given", "u32", given],
      ["width", "u32", width],
      ["out_width", "u32", outWidth],
      ["x_base", "u32", from.base],
      ["y_base", "u32", to.base],
      ["ids_base", "u32", at.base],
    ],
    bindings: [to.binding, from.binding, at.binding, errorBinding(device)],
    groups: Math.ceil((count * given) / threads),
    body,
  });
}
