/**
 * `takeAlong` and its inverse `putAlong`: a thread per id. Of equal ids in a row the first one adds the later ones in their order, so no
 * atomics are needed.
 */
import type { View } from "@modernbert-ts/tensor-core";
import { sizeOf } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { deviceDType, loadBits, loadFunction, storeBits, storeFunction, valueType } from "../wgsl/access.ts";
import { errorCode } from "./bad-values.ts";
import { bindLane, errorBinding } from "./bind.ts";
import type { Access } from "./bind.ts";
import type { Device } from "./device.ts";
import { laneOf } from "./space.ts";
import { eachWindow, rowsPerWindow } from "./windows.ts";

const threads = 64;

export function takeAlong(device: Device, out: View, x: View, ids: View): void {
  const [rows, width] = x.shape as [number, number];
  const given = ids.shape[1]!;
  if (sizeOf(ids.shape) === 0) return;
  const dtype = deviceDType("takeAlong", x.dtype);
  const step = rowsPerWindow(device, "takeAlong", "f32", Math.max(width, given));
  eachWindow(rows, step, (first, count) => {
    alongRows(device, "takeAlong", { data: x, width, out, outWidth: given, ids, given, first, count }, "bits", () => {
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

export function putAlong(device: Device, out: View, values: View, ids: View): void {
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
      "elements",
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
  access: Access,
  body: () => string,
): void {
  const part = (view: View, name: string, columns: number, writes: boolean, seen: Access) => {
    const lane = laneOf(device, operation, { ...view, offset: view.offset + first * columns }, [1]);
    return bindLane(device, name, [Math.max(1, count * columns)], lane, writes, seen);
  };
  const to = part(out, "y", outWidth, true, access);
  const from = part(data, "x", width, false, access);
  const at = part(ids, "ids", given, false, "elements");
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
