/** `fill`, `copy` and `map`: one thread per element, any strides. */
import type { Expression, PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import { UnsupportedError, expressionKey, inputCount } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/stream.ts";
import type { Parameter } from "../device/stream.ts";
import { loadBits, loadFunction, storeBits, storeFunction, valueType } from "../wgsl/access.ts";
import type { DeviceDType } from "../wgsl/access.ts";
import { printExpression } from "../wgsl/expression.ts";
import {
  bindLane,
  boxesThatFit,
  extentParameters,
  laneOf,
  laneParameters,
  mergeLoops,
  printAddress,
  printCoordinates,
} from "./space.ts";
import type { Device } from "./space.ts";

export const threads = 64;

interface ElementKernel {
  /** Tells shaders of the same dtypes and rank apart. */
  readonly key: string;
  /** Elements as bits. */
  readonly raw?: boolean;
  readonly parameters?: readonly Parameter[];
  /** WGSL that stores element `to`, given addresses `at_x0` …. */
  body(dtypes: readonly DeviceDType[]): string;
}

/** Runs `kernel` once per element of `out`. */
function runElements(
  device: Device,
  operation: string,
  out: View,
  inputs: readonly View[],
  kernel: ElementKernel,
): void {
  if (out.shape.includes(0)) return;
  const raw = kernel.raw === true;
  const access = raw ? "bits" : "elements";
  const views = [out, ...inputs];
  const lanes = views.map((view) => laneOf(device, operation, view, view.shape.length === 0 ? [] : view.strides));
  const dtypes = lanes.map(({ dtype }) => dtype);
  const names = views.map((_, at) => (at === 0 ? "y" : `x${at - 1}`));
  for (const box of boxesThatFit(device, out.shape, lanes)) {
    const merged = mergeLoops(box.extents, box.lanes);
    const rank = merged.extents.length;
    const size = merged.extents.reduce((product, extent) => product * extent, 1);
    const bound = merged.lanes.map((lane, at) => bindLane(device, names[at]!, merged.extents, lane, at === 0, access));
    device.stream.dispatch({
      key: `${operation} ${dtypes.join(" ")} rank ${rank} ${kernel.key}`,
      parameters: [
        ["size", "u32", size],
        ...extentParameters(merged.extents),
        ...bound.flatMap(({ base }, at) => laneParameters(names[at]!, base, merged.lanes[at]!.strides)),
        ...(kernel.parameters ?? []),
      ],
      bindings: bound.map(({ binding }) => binding),
      groups: Math.ceil(size / threads),
      body: () => `${names
        .map((name, at) => {
          if (raw) return at === 0 ? storeBits(name, dtypes[at]!) : loadBits(name, dtypes[at]!);
          return at === 0 ? storeFunction(name, dtypes[at]!) : loadFunction(name, dtypes[at]!);
        })
        .join("\n")}

@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex} * ${threads}u + local;
  if (index >= p.size) { return; }
  ${printCoordinates(rank, "index")}
  let to = ${printAddress("y", rank)};
  ${names
    .slice(1)
    .map((name) => `let at_${name} = ${printAddress(name, rank)};`)
    .join("\n  ")}
  ${kernel.body(dtypes)}
}`,
    });
  }
}

/** The conversions of `copy`, also used where a kernel of another operation casts. */
export function castTo(dtype: DeviceDType, value: string): string {
  return `${valueType(dtype)}(${value})`;
}

const floatWord = new Float32Array(1);
const floatBits = new Uint32Array(floatWord.buffer);

/** The f32 bits of a number: the way of infinities and NaN through parameters. */
export function bitsOf(value: number): number {
  floatWord[0] = value;
  return floatBits[0]!;
}

export function elementwiseKernels(device: Device): Pick<PrimitiveKernels<View>, "fill" | "copy" | "map"> {
  return {
    fill([out], _inputs, { value }) {
      const whole = out!.dtype === "i32" || out!.dtype === "u32";
      const bits = whole ? Math.trunc(value) >>> 0 : bitsOf(value);
      runElements(device, "fill", out!, [], {
        key: "",
        parameters: [["value", "u32", bits]],
        body: ([dtype]) => `store_y(to, bitcast<${valueType(dtype!)}>(p.value));`,
      });
    },
    copy([out], [x]) {
      if (x!.dtype === out!.dtype) {
        runElements(device, "copy", out!, [x!], { key: "bits", raw: true, body: () => "store_y(to, load_x0(at_x0));" });
        return;
      }
      runElements(device, "copy", out!, [x!], {
        key: "cast",
        body: ([to]) => `store_y(to, ${castTo(to!, "load_x0(at_x0)")});`,
      });
    },
    map([out], inputs, { expression }) {
      const used = inputs.slice(0, inputCount(expression));
      if (used.length + 1 > device.maxBindings)
        throw new UnsupportedError("map", `expected at most ${device.maxBindings - 1} inputs, got ${used.length}`);
      runElements(device, "map", out!, used, {
        key: keyOf(expression),
        body([to]) {
          const loads = used.map((_, at) => `let v${at} = f32(load_x${at}(at_x${at}));`);
          const { lines, result } = printExpression(expression, (index) => `v${index}`);
          return [...loads, ...lines, `store_y(to, ${castTo(to!, result)});`].join("\n  ");
        },
      });
    },
  };
}

const keys = new WeakMap<Expression, string>();

function keyOf(expression: Expression): string {
  let key = keys.get(expression);
  if (key === undefined) {
    key = expressionKey(expression);
    keys.set(expression, key);
  }
  return key;
}
