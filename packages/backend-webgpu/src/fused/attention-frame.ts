/**
 * The attention shaders that work through workgroup memory are one loop: a workgroup takes 16 rows of a head and walks over the tokens
 * that any of them sees, in tiles. Thread 4·r + s works on row r: of every tile it computes a quarter of the row's scores, then adds to a
 * quarter of the row's columns (vec4 columns s, s + 4, …). Bounds of loops are no constants: unrolled, these shaders take software
 * adapters half a minute to compile.
 */
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { maxHeadSize, rangeFunctions, threads } from "./attention-common.ts";

export const blockTokens: number = threads / 4;

export interface TiledAttention {
  /** Tokens per tile. */
  readonly tile: number;
  /** Matrices of the block's rows and of a tile's tokens, with what loads an element: see `load`. */
  readonly rows: Readonly<Record<string, string>>;
  readonly tiles: Readonly<Record<string, string>>;
  /** Names of f32 numbers that each row has for each token of a tile. */
  readonly places: readonly string[];
  /** Statements before the loop. */
  readonly before: string;
  /** Sets the `places` `[at]` of a row and the tile's token `place`, number `other` of all; `visible` tells whether the row sees it. */
  readonly score: string;
  /** Statements once a tile's places are set: of its `steps` tokens, that of row and token j at `row * TILE + j`. */
  readonly add: string;
  /** Statements of rows inside the matrix, after the loop. */
  readonly after: string;
}

export function printTiledAttention(shader: TiledAttention): string {
  const { tile, rows, tiles, places, before, score, add, after } = shader;
  const quarter = maxHeadSize / 4;
  const memory = [
    ...Object.keys(rows).map((name) => `var<workgroup> row_${name}: array<Quad, ${blockTokens * quarter}>;`),
    ...Object.keys(tiles).map((name) => `var<workgroup> tile_${name}: array<Quad, ${tile * quarter}>;`),
    ...places.map((name) => `var<workgroup> ${name}: array<f32, ${blockTokens * tile}>;`),
  ];
  return `const QUARTER = ${quarter}u; // the stride of rows in workgroup memory
const TILE = ${tile}u;
${memory.join("\n")}

${rangeFunctions}

${open}
  ${printLoad(blockTokens, "first_token", "row", rows)}
  ${before}
  for (var start = begin; start < end; start += TILE) {
    let steps = min(TILE, end - start);
    workgroupBarrier();
    ${printLoad(tile, "start", "tile", tiles)}
    workgroupBarrier();
    for (var place = part; place < steps; place += 4u) {
      let other = start + place;
      let visible = other >= seen.first && other < seen.end;
      let at = row * TILE + place;
      ${score}
    }
    workgroupBarrier();
    ${add}
  }
  if (!inside) { return; }
  ${after}
}`;
}

/** Opens `main`: workgroup → head and block of tokens, thread → row and part, the ranges of the row and of the block. */
const open: string = `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex};
  let head = index % p.heads;
  let first_token = index / p.heads * ${blockTokens}u;
  if (first_token >= p.tokens) { return; }
  let row = local / 4u;
  let part = local % 4u;
  let inside = first_token + row < p.tokens;
  let token = min(first_token + row, p.tokens - 1u);
  let seen = range_of(token);
  let begin = range_of(first_token).first;
  let end = range_of(min(first_token + ${blockTokens}u, p.tokens) - 1u).end;`;

/** Loads `count` rows of matrices into workgroup memory; `other` is the token of a row, `column` an element of it. */
function printLoad(count: number, first: string, prefix: string, sources: Readonly<Record<string, string>>): string {
  return `for (var e = local; e < ${count}u * p.quarter; e += ${threads}u) {
      let other = min(${first} + e / p.quarter, p.tokens - 1u);
      let column = e % p.quarter;
      let to = e / p.quarter * QUARTER + e % p.quarter;
      ${Object.entries(sources)
        .map(([name, source]) => `${prefix}_${name}[to] = ${source};`)
        .join("\n      ")}
    }`;
}

export const load = {
  q: "load4_qkv(at_qkv(other, 0u, head) + column)",
  k: "load4_qkv(at_qkv(other, 1u, head) + column)",
  v: "load4_qkv(at_qkv(other, 2u, head) + column)",
  grad: "load4_grad(at_head(p.grad_base, other, head) + column)",
};

/** WGSL that adds the dot product of a row of the block and one of the tile to `sum`. */
export function addDot(sum: string, row: string, tile: string): string {
  return `${sum} += f32(dot(row_${row}[row * QUARTER + d], tile_${tile}[place * QUARTER + d]));`;
}

/** The vec4 columns that a thread may own. */
const columns = [0, 1, 2, 3] as const;

/** Statements for each column of the thread, skipped where the head is narrower. `$` is the column's number, `at` its place. */
export function printColumns(statement: string): string {
  return columns
    .map(
      (c) => `if (part + ${4 * c}u < p.quarter) { let at = part + ${4 * c}u; ${statement.replaceAll("$", String(c))} }`,
    )
    .join("\n      ");
}

export function printSums(...names: string[]): string {
  return names.flatMap((name) => columns.map((c) => `var ${name}${c} = vec4f();`)).join(" ");
}
