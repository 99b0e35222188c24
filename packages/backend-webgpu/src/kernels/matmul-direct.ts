/**
 * The shader without workgroup memory: a thread keeps 4 × 4 results in registers and loads what it multiplies four elements at a time.
 * Neighbouring threads share rows of a, so that their loads meet in the cache. Needs quads.
 */
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { loadQuad, storeQuad } from "../wgsl/access.ts";
import { printOperands, runLength } from "./matmul-operands.ts";
import { columnsPerThread, threadsOf } from "./matmul-recipes.ts";
import type { Variant } from "./matmul-recipes.ts";
import { printAddress, printCoordinates } from "./coordinates.ts";

const four = [0, 1, 2, 3] as const;

function lines(...parts: readonly (string | readonly string[])[]): string {
  return parts.flat().join("\n    ");
}

/** The loop over the depth. Both along depth: dot products; else outer products of what lies side by side. */
function printSum({ aAlongDepth, bAlongDepth, half }: Variant): string {
  const quadsA = four.map((r) => `let a${r} = load4_a(a_at + min(row + ${r}u, p.rows - 1u) * p.a_row + k);`);
  const quadsB = four.map((c) => `let b${c} = load4_b(b_at + (column + ${c}u) * p.b_column + k);`);
  const rowsOfA = "load4_a(a_at + a_quad + d * p.a_depth)";
  const columnsOfB = "load4_b(b_at + column / 4u + d * p.b_depth)";
  const byQuads = (...body: readonly (string | readonly string[])[]): string =>
    `for (var k = 0u; k < p.depth / 4u; k++) {\n    ${lines(...body)}\n  }`;
  if (aAlongDepth && bAlongDepth) {
    const dots = (r: number): string => four.map((c) => `dot(a${r}, b${c})`).join(", ");
    return byQuads(
      quadsA,
      quadsB,
      four.map((r) => `sum${r} += vec4f(Quad(${dots(r)}));`),
    );
  }
  // Four products of f16 are one run; f32 go into the sums at once.
  const into = half ? "run" : "sum";
  const open = half ? four.map((r) => `var run${r} = Quad();`) : [];
  const close = half ? four.map((r) => `sum${r} += vec4f(run${r});`) : [];
  const add = (a: (r: number) => string): string => four.map((r) => `${into}${r} += ${a(r)} * b;`).join(" ");
  if (aAlongDepth) {
    const steps = four.map((i) => `{ let d = 4u * k + ${i}u; let b = ${columnsOfB}; ${add((r) => `a${r}[${i}]`)} }`);
    return byQuads(quadsA, open, steps, close);
  }
  if (bAlongDepth) {
    const steps = four.map((i) => {
      const b = `Quad(${four.map((c) => `b${c}[${i}]`).join(", ")})`;
      return `{ let d = 4u * k + ${i}u; let a = ${rowsOfA}; let b = ${b}; ${add((r) => `a[${r}]`)} }`;
    });
    return byQuads(quadsB, open, steps, close);
  }
  const loop = (first: string, end: string): string => `for (var d = ${first}; d < ${end}; d++) {
    ${lines(
      `let a = ${rowsOfA};`,
      `let b = ${columnsOfB};`,
      add((r) => `a[${r}]`),
    )}
  }`;
  if (!half) return loop("0u", "p.depth");
  return `for (var start = 0u; start < p.depth; start += ${runLength}u) {
    ${lines(open, loop("start", `min(start + ${runLength}u, p.depth)`), close)}
  }`;
}

export function printDirect(variant: Variant): string {
  const { recipe, dtypes, batchRank, aAlongDepth } = variant;
  const y = dtypes[2];
  const across = recipe.columns / columnsPerThread;
  return `${printOperands(variant)}
${loadQuad("y", y)}
${storeQuad("y", y)}

fn finish(sum: vec4f, row: u32, column: u32, y_at: u32) {
  if (row >= p.rows) { return; }
  let at = y_at + row * p.y_row + column / 4u;
  var value = p.alpha * sum;
  if (p.accumulate != 0u) { value += load4_y(at); }
  store4_y(at, value);
}

@compute @workgroup_size(${threadsOf(recipe)}) fn main(${mainArguments}) {
  let index = ${groupIndex};
  let batch = index / (p.tiles_m * p.tiles_n);
  let row = (index / p.tiles_n % p.tiles_m) * ${recipe.rows}u + local / ${across}u * 4u;
  let column = (index % p.tiles_n) * ${recipe.columns}u + local % ${across}u * 4u;
  if (batch >= p.batches || row >= p.rows || column >= p.columns) { return; }
  ${printCoordinates(batchRank, "batch")}
  let a_at = ${printAddress("a", batchRank)};
  let b_at = ${printAddress("b", batchRank)};
  let y_at = ${printAddress("y", batchRank)};
  ${aAlongDepth ? "" : "let a_quad = row / 4u;"}
  ${four.map((r) => `var sum${r} = vec4f();`).join(" ")}
  ${printSum(variant)}
  ${four.map((r) => `finish(sum${r}, row + ${r}u, column, y_at);`).join("\n  ")}
}`;
}
