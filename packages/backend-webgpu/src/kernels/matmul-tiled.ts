/**
 * The shader that multiplies tiles through workgroup memory, each thread a few rows by four columns in registers. Strides are free, so
 * transposes cost nothing but the order in which a tile is loaded, which is a variant of the shader.
 */
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { loadFunction, loadQuad, storeFunction, storeQuad } from "../wgsl/access.ts";
import { printOperands, runLength } from "./matmul-operands.ts";
import { columnsPerThread, threadsOf } from "./matmul-recipes.ts";
import type { Variant } from "./matmul-recipes.ts";
import { printAddress, printCoordinates } from "./coordinates.ts";

/** Loads a tile of lanes (rows or columns) × depth into workgroup memory laid out [depth][lanes], zeros beyond the edges. */
function printLoad(name: "a" | "b", { recipe, quads, aAlongDepth, bAlongDepth }: Variant): string {
  const [side, first, end] = name === "a" ? ["row", "first_row", "rows"] : ["column", "first_column", "columns"];
  const lanes = name === "a" ? recipe.rows : recipe.columns;
  const alongDepth = name === "a" ? aAlongDepth : bAlongDepth;
  const { depth } = recipe;
  // Elements at a time along the depth and along the lanes.
  const [deep, wide] = quads ? (alongDepth ? [4, 1] : [1, 4]) : [1, 1];
  const place = alongDepth
    ? `let k = e % ${depth / deep}u * ${deep}u; let lane = e / ${depth / deep}u;`
    : `let lane = e % ${lanes / wide}u * ${wide}u; let k = e / ${lanes / wide}u;`;
  const [byLane, byDepth] = [
    `(${first} + lane)${wide === 4 ? " / 4u" : ""}`,
    `(start + k)${deep === 4 ? " / 4u" : ""}`,
  ];
  const at = `${name}_at + ${byLane} * p.${name}_${side} + ${byDepth} * p.${name}_depth`;
  const store = quads
    ? [0, 1, 2, 3].map((i) => {
        const to = alongDepth ? `(k + ${i}u) * ${lanes}u + lane` : `k * ${lanes}u + lane + ${i}u`;
        return `tile_${name}[${to}] = v[${i}];`;
      })
    : [`tile_${name}[k * ${lanes}u + lane] = v;`];
  return `for (var e = local; e < ${(lanes * depth) / deep / wide}u; e += ${threadsOf(recipe)}u) {
      ${place}
      var v = ${quads ? "Quad()" : "Number()"};
      if (${first} + lane < p.${end} && start + k < p.depth) { v = ${quads ? "load4" : "load"}_${name}(${at}); }
      ${store.join(" ")}
    }`;
}

/** `finish` scales the four results of a thread in one row and stores what lies inside. */
function printFinish({ quads, dtypes: [, , y] }: Variant): string {
  if (quads) {
    return `${loadQuad("y", y)}
${storeQuad("y", y)}

fn finish(sum: vec4f, row: u32, column: u32, y_at: u32) {
  if (row >= p.rows || column >= p.columns) { return; }
  let at = y_at + row * p.y_row + column / 4u;
  var value = p.alpha * sum;
  if (p.accumulate != 0u) { value += load4_y(at); }
  store4_y(at, value);
}`;
  }
  return `${loadFunction("y", y, true)}
${storeFunction("y", y)}

fn finish(sum: vec4f, row: u32, column: u32, y_at: u32) {
  if (row >= p.rows) { return; }
  for (var i = 0u; i < min(4u, max(column, p.columns) - column); i++) {
    let at = y_at + row * p.y_row + (column + i) * p.y_column;
    var value = p.alpha * sum[i];
    if (p.accumulate != 0u) { value += load_y(at); }
    store_y(at, value);
  }
}`;
}

/** Adds the products of a tile, one step of the depth after the other. Beyond the depth the tile holds zeros, so that runs are whole. */
function printSteps({ recipe: { rows, columns, threadRows }, half }: Variant): string {
  const each = Array.from({ length: threadRows }, (_, row) => row);
  const loop = (from: string, end: string, sum: string): string => `for (var k = ${from}; k < ${end}; k++) {
      let at_b = k * ${columns}u + thread_column;
      let b = Quad(tile_b[at_b], tile_b[at_b + 1u], tile_b[at_b + 2u], tile_b[at_b + 3u]);
      let at_a = k * ${rows}u + thread_row;
      ${each.map((row) => `${sum}${row} += tile_a[at_a + ${row}u] * b;`).join("\n      ")}
    }`;
  if (!half) return loop("0u", "steps", "sum");
  return `for (var run = 0u; run < steps; run += ${runLength}u) {
    ${each.map((row) => `var run${row} = Quad();`).join(" ")}
    ${loop("run", `run + ${runLength}u`, "run")}
    ${each.map((row) => `sum${row} += vec4f(run${row});`).join(" ")}
    }`;
}

export function printTiled(variant: Variant): string {
  const { recipe, batchRank } = variant;
  const { rows, columns, depth, threadRows } = recipe;
  const across = columns / columnsPerThread;
  const each = Array.from({ length: threadRows }, (_, row) => row);
  return `${printOperands(variant)}
${printFinish(variant)}

var<workgroup> tile_a: array<Number, ${rows * depth}>;
var<workgroup> tile_b: array<Number, ${columns * depth}>;

@compute @workgroup_size(${threadsOf(recipe)}) fn main(${mainArguments}) {
  let index = ${groupIndex};
  let batch = index / (p.tiles_m * p.tiles_n);
  if (batch >= p.batches) { return; }
  let first_column = (index % p.tiles_n) * ${columns}u;
  let first_row = (index / p.tiles_n % p.tiles_m) * ${rows}u;
  ${printCoordinates(batchRank, "batch")}
  let a_at = ${printAddress("a", batchRank)};
  let b_at = ${printAddress("b", batchRank)};
  let y_at = ${printAddress("y", batchRank)};
  let thread_row = (local / ${across}u) * ${threadRows}u;
  let thread_column = (local % ${across}u) * 4u;
  ${each.map((row) => `var sum${row} = vec4f();`).join(" ")}
  for (var start = 0u; start < p.depth; start += ${depth}u) {
    ${printLoad("a", variant)}
    ${printLoad("b", variant)}
    workgroupBarrier();
    // The bound is no constant: unrolled, this loop takes software adapters ten seconds to compile.
    let steps = min(${depth}u, p.depth - start);
    ${printSteps(variant)}
    workgroupBarrier();
  }
  ${each.map((row) => `finish(sum${row}, first_row + thread_row + ${row}u, first_column + thread_column, y_at);`).join("\n  ")}
}`;
}
