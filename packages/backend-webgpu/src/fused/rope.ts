/** `rope` in one dispatch: a thread turns one pair of q, k (or four neighbours), or copies one of v. Backward turns the other way. */
import type { FusedKernel, View } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { errorCode } from "../kernels/bad-values.ts";
import { errorBinding } from "../kernels/bind.ts";
import { bindAll, hasQuads, supportsDense } from "./support.ts";
import type { Tools } from "./support.ts";

const threads = 64;

export function rope({ device, clear }: Tools): FusedKernel<"rope"> {
  function turn(out: View, qkv: View, cos: View, sin: View, positions: View, sign: 1 | -1): void {
    const [tokens, , heads, width] = qkv.shape as [number, number, number, number];
    const byFours = width % 8 === 0 && [out, qkv, cos, sin].every(hasQuads);
    const half = width / 2 / (byFours ? 4 : 1);
    const pairs = tokens * 3 * heads * half;
    if (pairs === 0) return;
    const quads = byFours ? ["x", "y", "cos", "sin"] : [];
    const operands = bindAll(device, "rope", { y: out }, { x: qkv, cos, sin, positions }, quads);
    device.stream.dispatch({
      key: `rope ${byFours ? "quads" : ""} ${operands.dtypes}`,
      parameters: [
        ["pairs", "u32", pairs],
        ["heads", "u32", heads],
        ["half", "u32", half],
        ["table", "u32", cos.shape[0]!],
        ["sign", "f32", sign],
        ...operands.bases,
      ],
      bindings: [...operands.bindings, errorBinding(device)],
      groups: Math.ceil(pairs / threads),
      body: () => `${operands.accessors}\n${byFours ? print("vec4f", "4") : print("f32", "")}`,
    });
  }
  return {
    supports: (query) => supportsDense(device, "rope", query),
    saved: () => [],
    backwardReads: { inputs: [1, 2, 3], outputs: [] },
    forward: ({ inputs: [qkv, cos, sin, positions], outputs: [out] }) => turn(out!, qkv!, cos!, sin!, positions!, 1),
    backward({ inputs: [, cos, sin, positions], gradOutputs: [gradient], gradInputs: [result] }) {
      if (!result) return;
      if (gradient) turn(result, gradient, cos!, sin!, positions!, -1);
      else clear(result);
    },
  };
}

/** @param type What a thread turns at once. @param four Part of the names of its accessors. */
function print(type: "f32" | "vec4f", four: "" | "4"): string {
  return `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex} * ${threads}u + local;
  if (index >= p.pairs) { return; }
  let column = index % p.half;
  let row = index / p.half;
  let token = row / (3u * p.heads);
  let part = row / p.heads % 3u;
  let first = row * p.half * 2u + column;
  let a = load${four}_x(p.x_base + first);
  let b = load${four}_x(p.x_base + first + p.half);
  var c = ${type}(1.0);
  var s = ${type}(0.0);
  if (part < 2u) {
    let position = positions[p.positions_base + token];
    if (position < 0 || u32(position) >= p.table) {
      c = ${type}(0.0);
      report_(${errorCode("rope")}u, position, p.table);
    } else {
      let at = u32(position) * p.half + column;
      c = load${four}_cos(p.cos_base + at);
      s = load${four}_sin(p.sin_base + at) * p.sign;
    }
  }
  store${four}_y(p.y_base + first, a * c - b * s);
  store${four}_y(p.y_base + first + p.half, b * c + a * s);
}`;
}
