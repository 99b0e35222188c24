/**
 * What the shaders of `varlen-attention.ts` share. Thread 4·r + s works on row r of the block: on every tile it computes a quarter of the row's
 * scores, then adds to a quarter of the row's columns (vec4 columns s, s + 4, …). Bounds of loops are no
 * constants: unrolled, these shaders take software adapters half a minute to compile.
 */
import { groupIndex, mainArguments } from "../device/dispatch.ts";

export const blockTokens = 16;
/** Four matrices of the backward pass fill the 16 KiB of workgroup memory that every adapter has. */
export const maxHeadSize = 64;

export const threads: number = 4 * blockTokens;

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

/** Addresses, the sequence of a token, workgroup memory: matrices of the block's rows and of a tile's. */
export function printFrame(tile: number, rowNames: readonly string[], tileNames: readonly string[]): string {
  const quarter = maxHeadSize / 4;
  const memory = [
    ...rowNames.map((name) => `var<workgroup> row_${name}: array<Quad, ${blockTokens * quarter}>;`),
    ...tileNames.map((name) => `var<workgroup> tile_${name}: array<Quad, ${tile * quarter}>;`),
  ];
  return `const QUARTER = ${quarter}u; // the stride of rows in workgroup memory

const TILE = ${tile}u;
${memory.join("\n")}
${rangeFunctions}`;
}

/** The keys that a token sees, and addresses in groups of four. */
export const rangeFunctions: string = `struct Range { first: u32, end: u32 }

// The tokens that \`token\` may see: those of its sequence in the window. None where cuSeqlens leave it out.
fn range_of(token: u32) -> Range {
  var low = 0u;
  var high = p.ends;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (cu[p.cu_base + middle] <= i32(token)) { low = middle + 1u; } else { high = middle; }
  }
  if (low == 0u || low == p.ends) { return Range(token, token); }
  let start = u32(max(0, cu[p.cu_base + low - 1u]));
  let end = min(p.tokens, u32(cu[p.cu_base + low]));
  return Range(max(start, max(token, p.window) - p.window), min(end, token + p.window + 1u));
}

fn at_qkv(token: u32, which: u32, head: u32) -> u32 {
  return p.qkv_base + ((token * 3u + which) * p.heads + head) * p.quarter;
}

fn at_head(base: u32, token: u32, head: u32) -> u32 { return base + (token * p.heads + head) * p.quarter; }`;

/** Opens `main`: workgroup → head and block of tokens, thread → row and part, the ranges of the row and of the block. */
export const open: string = `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
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

/** Loads `rows` rows of matrices into workgroup memory; `other` is the token of the row, `column` its element. */
export function printLoad(rows: number, first: string, sources: Readonly<Record<string, string>>): string {
  return `for (var e = local; e < ${rows}u * p.quarter; e += ${threads}u) {
      let other = min(${first} + e / p.quarter, p.tokens - 1u);
      let column = e % p.quarter;
      let to = e / p.quarter * QUARTER + e % p.quarter;
      ${Object.entries(sources)
        .map(([name, load]) => `${name}[to] = ${load};`)
        .join("\n      ")}
    }`;
}

export const load = {
  q: "load4_qkv(at_qkv(other, 0u, head) + column)",
  k: "load4_qkv(at_qkv(other, 1u, head) + column)",
  v: "load4_qkv(at_qkv(other, 2u, head) + column)",
  grad: "load4_grad(at_head(p.grad_base, other, head) + column)",
};

/** Visits the row's places of the tile that belong to the thread: `place` in the tile, `visible` by the row's token. */
export function eachPlace(body: string): string {
  return `for (var place = part; place < steps; place += 4u) {
      let visible = start + place >= seen.first && start + place < seen.end;
      ${body}
    }`;
}

export const eachQuarter = "for (var d = 0u; d < p.quarter; d++)";
