/** Loops and lanes in shaders: their parameters, and WGSL from the number of an element to its place. */
import type { Parameter } from "../device/dispatch.ts";

/** Parameters NAME_base and NAME_s0 … for a lane. */
export function laneParameters(name: string, base: number, strides: readonly number[]): Parameter[] {
  return [
    [`${name}_base`, "u32", base],
    ...strides.map((stride, axis): Parameter => [`${name}_s${axis}`, "u32", stride]),
  ];
}

/** Parameters e0 … for the loops. */
export function extentParameters(extents: readonly number[], prefix = "e"): Parameter[] {
  return extents.map((extent, axis): Parameter => [`${prefix}${axis}`, "u32", extent]);
}

/** WGSL that splits `index` into coordinates c0 … of the loops PREFIX0 …, the last fastest. Uses up a variable named `rest_INTO`. */
export function printCoordinates(rank: number, index: string, prefix = "e", into = "c"): string {
  if (rank === 1) return `let ${into}0 = ${index};`;
  const lines = [`var rest_${into} = ${index};`];
  for (let axis = rank - 1; axis > 0; axis--) {
    lines.push(
      `let ${into}${axis} = rest_${into} % p.${prefix}${axis}; rest_${into} = rest_${into} / p.${prefix}${axis};`,
    );
  }
  lines.push(`let ${into}0 = rest_${into};`);
  return lines.join("\n  ");
}

/** WGSL for the element of a lane at coordinates c0 …. */
export function printAddress(name: string, rank: number, into = "c"): string {
  const steps = Array.from({ length: rank }, (_, axis) => `${into}${axis} * p.${name}_s${axis}`);
  return [`p.${name}_base`, ...steps].join(" + ");
}
