/** The shader of `reduce.ts`: a result is summed by one thread, or by a workgroup. */
import type { PrimitiveAttrs } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { loadFunction, storeFunction, valueType } from "../wgsl/access.ts";
import type { DeviceDType } from "../wgsl/access.ts";
import { maxOf, printReductions, sumOf, groupThreads as threads } from "../wgsl/reduction.ts";
import { printAddress, printCoordinates } from "./coordinates.ts";

export type ReduceKind = PrimitiveAttrs["reduce"]["kind"];

/** What the shader's text depends on. */
export interface ReduceVariant {
  readonly kind: ReduceKind;
  readonly from: DeviceDType;
  readonly to: DeviceDType;
  readonly rank: number;
  readonly reducedRank: number;
  readonly byThread: boolean;
}

/** WGSL of the neutral element. */
function identity(kind: ReduceKind, type: "f32" | "i32" | "u32"): string {
  if (kind === "sum" || type === "u32") return `${type}(0)`;
  return type === "f32" ? "float_(0xff800000u)" : "i32(-2147483647 - 1)";
}

export function printReduce(
  { kind, from, to, rank, reducedRank, byThread }: ReduceVariant,
  subgroups: boolean,
): string {
  const type = valueType(from);
  const reduction = kind === "sum" ? sumOf(type, "total_of") : maxOf(type, "total_of");
  const place = `${printCoordinates(rank, "result")}
  let x_at = ${printAddress("x", rank)};
  let y_at = ${printAddress("y", rank)} + chunk * p.chunk_stride;
  let begin = chunk * p.chunk_terms;
  let end = min(p.terms, begin + p.chunk_terms);
  var total = ${identity(kind, type)};`;
  const term = `${printCoordinates(reducedRank, "term", "r", "d")}
    total = combine(total, load_x(x_at + ${Array.from({ length: reducedRank }, (_, axis) => `d${axis} * p.x_r${axis}`).join(" + ")}));`;
  const finish = `if (p.combine != 0u) { total = combine(load_y(y_at), total); }
  store_y(y_at, total);`;
  const functions = `${loadFunction("x", from)}
${loadFunction("y", to, true)}
${storeFunction("y", to)}
fn combine(a: ${type}, b: ${type}) -> ${type} { return ${reduction.combine}; }`;
  if (byThread) {
    return `${functions}
@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex} * ${threads}u + local;
  if (index >= p.results * p.chunks) { return; }
  let result = index % p.results;
  let chunk = index / p.results;
  ${place}
  for (var term = begin; term < end; term += 1u) {
    ${term}
  }
  ${finish}
}`;
  }
  return `${functions}
${printReductions(subgroups, reduction)}
@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex};
  if (index >= p.results * p.chunks) { return; }
  let result = index % p.results;
  let chunk = index / p.results;
  ${place}
  for (var term = begin + local; term < end; term += ${threads}u) {
    ${term}
  }
  total = total_of(total, local);
  if (local == 0u) {
    ${finish}
  }
}`;
}
