/** `fill`, `copy` and `map`: one thread per element, any strides. */
import type { Expression, PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import { UnsupportedError, expressionKey, inputCount } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import type { Parameter } from "../device/dispatch.ts";
import { loadBits, loadFunction, loadQuad, storeBits, storeFunction, storeQuad, valueType } from "../wgsl/access.ts";
import type { DeviceDType } from "../wgsl/access.ts";
import { printExpression } from "../wgsl/expression.ts";
import { bindLane } from "./bind.ts";
import type { Access } from "./bind.ts";
import { extentParameters, laneParameters, printAddress, printCoordinates } from "./coordinates.ts";
import type { Device } from "./device.ts";
import { boxesThatFit, laneOf, mergeLoops } from "./space.ts";
import type { Lane } from "./space.ts";

export const threads = 64;

interface ElementKernel {
  /** Tells shaders of the same dtypes and rank apart. */
  readonly key: string;
  readonly parameters?: readonly Parameter[];
  /** The WGSL function `element`, from the inputs' elements to the output's; nothing for bits. */
  readonly body: (dtypes: readonly DeviceDType[]) => string;
  /** Elements as bits. */
  readonly bits?: boolean;
}

/** True where every lane walks its last loop element by element, in groups of four that start at multiples of four. */
function hasQuads(extents: readonly number[], lanes: readonly Lane[]): boolean {
  return (
    extents.at(-1)! % 4 === 0 &&
    lanes.every(({ strides, offset, dtype }) => {
      const isFloat = dtype !== "i32" && dtype !== "u32";
      return isFloat && strides.at(-1) === 1 && [...strides.slice(0, -1), offset].every((step) => step % 4 === 0);
    })
  );
}

/** Runs `kernel` once per element of `out`, four at a time where they lie side by side. */
function runElements(
  device: Device,
  operation: string,
  out: View,
  inputs: readonly View[],
  kernel: ElementKernel,
): void {
  if (out.shape.includes(0)) return;
  const views = [out, ...inputs];
  const lanes = views.map((view) => laneOf(device, operation, view, view.shape.length === 0 ? [] : view.strides));
  const dtypes = lanes.map(({ dtype }) => dtype);
  const names = views.map((_, at) => (at === 0 ? "y" : `x${at - 1}`));
  for (const box of boxesThatFit(device, out.shape, lanes)) {
    const merged = mergeLoops(box.extents, box.lanes);
    const rank = merged.extents.length;
    const access: ElementAccess = kernel.bits
      ? "bits"
      : hasQuads(merged.extents, merged.lanes)
        ? "exact quads"
        : "elements";
    const bound = merged.lanes.map((lane, at) => bindLane(device, names[at]!, merged.extents, lane, at === 0, access));
    // With quads the last loop and all addresses count groups of four.
    const unit = access === "exact quads" ? 4 : 1;
    const extents = [...merged.extents.slice(0, -1), merged.extents.at(-1)! / unit];
    const steps = merged.lanes.map(({ strides }) => strides.map((stride) => (stride === 1 ? 1 : stride / unit)));
    const size = extents.reduce((product, extent) => product * extent, 1);
    device.stream.dispatch({
      key: `${operation} ${dtypes.join(" ")} rank ${rank} ${access} ${kernel.key}`,
      parameters: [
        ["size", "u32", size],
        ...extentParameters(extents),
        ...bound.flatMap(({ base }, at) => laneParameters(names[at]!, base / unit, steps[at]!)),
        ...(kernel.parameters ?? []),
      ],
      bindings: bound.map(({ binding }) => binding),
      groups: Math.ceil(size / threads),
      body: () => print(kernel, access, names, dtypes, rank),
    });
  }
}

/** What an access needs, by name: loads, stores, and the statement that makes an element. */
const printers = {
  bits: { load: loadBits, store: storeBits },
  elements: { load: loadFunction, store: storeFunction },
  "exact quads": { load: (name, dtype) => loadQuad(name, dtype, "exact quads"), store: storeQuad },
} satisfies Partial<Record<Access, Record<"load" | "store", (name: string, dtype: DeviceDType) => string>>>;

type ElementAccess = keyof typeof printers;

function print(
  kernel: ElementKernel,
  access: ElementAccess,
  names: readonly string[],
  dtypes: readonly DeviceDType[],
  rank: number,
): string {
  const { load, store } = printers[access];
  const inputs = names.slice(1);
  const loads = inputs.map((name) => `let v_${name} = load${access === "exact quads" ? "4" : ""}_${name}(at_${name});`);
  const element = (part: string): string => `element(${inputs.map((name) => `v_${name}${part}`).join(", ")})`;
  const results: Readonly<Record<ElementAccess, string>> = {
    bits: "store_y(to, v_x0);",
    elements: `store_y(to, ${element("")});`,
    "exact quads": `store4_y(to, vec4f(${["x", "y", "z", "w"].map((part) => element(`.${part}`)).join(", ")}));`,
  };
  return `${names.map((name, at) => (at === 0 ? store : load)(name, dtypes[at]!)).join("\n")}

${kernel.body(dtypes)}

@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex} * ${threads}u + local;
  if (index >= p.size) { return; }
  ${printCoordinates(rank, "index")}
  let to = ${printAddress("y", rank)};
  ${inputs.map((name) => `let at_${name} = ${printAddress(name, rank)};`).join("\n  ")}
  ${loads.join("\n  ")}
  ${results[access]}
}`;
}

/** The conversions of `copy`, also used where a kernel of another operation casts. */
export function castTo(dtype: DeviceDType, value: string): string {
  return `${valueType(dtype)}(${value})`;
}

/** The function `element`, from elements a0 … of the dtypes `from`. */
function printElement(to: DeviceDType, from: readonly DeviceDType[], lines: readonly string[], result: string): string {
  const parameters = from.map((dtype, at) => `a${at}: ${valueType(dtype)}`).join(", ");
  return `fn element(${parameters}) -> ${valueType(to)} {
  ${[...lines, `return ${result};`].join("\n  ")}
}`;
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
        body: ([dtype]) => printElement(dtype!, [], [], `bitcast<${valueType(dtype!)}>(p.value)`),
      });
    },
    copy([out], [x]) {
      if (x!.dtype === out!.dtype) {
        runElements(device, "copy", out!, [x!], { key: "", bits: true, body: () => "" });
        return;
      }
      runElements(device, "copy", out!, [x!], {
        key: "cast",
        body: ([to, from]) => printElement(to!, [from!], [], castTo(to!, "a0")),
      });
    },
    map([out], inputs, { expression }) {
      const used = inputs.slice(0, inputCount(expression));
      if (used.length + 1 > device.maxBindings)
        throw new UnsupportedError("map", `expected at most ${device.maxBindings - 1} inputs, got ${used.length}`);
      runElements(device, "map", out!, used, {
        key: keyOf(expression),
        body([to, ...from]) {
          const values = used.map((_, at) => `let v${at} = f32(a${at});`);
          const { lines, result } = printExpression(expression, (index) => `v${index}`);
          return printElement(to!, from, [...values, ...lines], castTo(to!, result));
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
