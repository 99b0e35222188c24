/**
 * The shaders of `varlen-attention.ts`. Thread 4·r + s works on row r of the block: on every tile it computes a quarter of the row's
 * scores, then adds to a quarter of the row's columns (vec4 columns s, s + 4, …). Bounds of loops are no
 * constants: unrolled, these shaders take software adapters half a minute to compile.
 */
import { groupIndex, mainArguments } from "../device/stream.ts";
import { errorCode } from "../kernels/bad-values.ts";

export const blockTokens = 16;
/** Four matrices of the backward pass fill the 16 KiB of workgroup memory that every adapter has. */
export const maxHeadSize = 64;

const threads = 4 * blockTokens;

/** Tokens per tile. */
const forwardTile = 16;
const backwardTile = 8;

/** The vec4 columns that a thread may own. */
const columns = [0, 1, 2, 3] as const;

/** Statements for each column of the thread, skipped where the head is narrower. `$` is the column's number, `at` its place. */
function printColumns(statement: string): string {
  return columns
    .map(
      (c) => `if (part + ${4 * c}u < p.quarter) { let at = part + ${4 * c}u; ${statement.replaceAll("$", String(c))} }`,
    )
    .join("\n      ");
}

function printSums(...names: string[]): string {
  return names.flatMap((name) => columns.map((c) => `var ${name}${c} = vec4f();`)).join(" ");
}

function load4(name: string): string {
  return `fn load4_${name}(at: u32) -> vec4f { return vec4f(${name}[at], ${name}[at + 1u], ${name}[at + 2u], ${name}[at + 3u]); }`;
}

/** Addresses, the sequence of a token, workgroup memory: matrices of the block's rows and of a tile's. */
function printFrame(tile: number, rowNames: readonly string[], tileNames: readonly string[]): string {
  const quarter = maxHeadSize / 4;
  const memory = [
    ...rowNames.map((name) => `var<workgroup> row_${name}: array<vec4f, ${blockTokens * quarter}>;`),
    ...tileNames.map((name) => `var<workgroup> tile_${name}: array<vec4f, ${tile * quarter}>;`),
  ];
  return `const QUARTER = ${quarter}u; // the stride of rows in workgroup memory

const TILE = ${tile}u;
${memory.join("\n")}
${load4("qkv")}

struct Range { first: u32, end: u32 }

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
  return p.qkv_base + ((token * 3u + which) * p.heads + head) * 4u * p.quarter;
}

fn at_head(base: u32, token: u32, head: u32) -> u32 { return base + (token * p.heads + head) * 4u * p.quarter; }`;
}

/** Opens `main`: workgroup → head and block of tokens, thread → row and part, the ranges of the row and of the block. */
const open = `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
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
function printLoad(rows: number, first: string, sources: Readonly<Record<string, string>>): string {
  return `for (var e = local; e < ${rows}u * p.quarter; e += ${threads}u) {
      let other = min(${first} + e / p.quarter, p.tokens - 1u);
      let column = e % p.quarter * 4u;
      let to = e / p.quarter * QUARTER + e % p.quarter;
      ${Object.entries(sources)
        .map(([name, load]) => `${name}[to] = ${load};`)
        .join("\n      ")}
    }`;
}

const load = {
  q: "load4_qkv(at_qkv(other, 0u, head) + column)",
  k: "load4_qkv(at_qkv(other, 1u, head) + column)",
  v: "load4_qkv(at_qkv(other, 2u, head) + column)",
  grad: "load4_grad(at_head(p.grad_base, other, head) + column)",
};

/** Visits the row's places of the tile that belong to the thread: `place` in the tile, `visible` by the row's token. */
function eachPlace(body: string): string {
  return `for (var place = part; place < steps; place += 4u) {
      let visible = start + place >= seen.first && start + place < seen.end;
      ${body}
    }`;
}

const eachQuarter = "for (var d = 0u; d < p.quarter; d++)";

function store4(name: string, at: string, value: string): string {
  return ["x", "y", "z", "w"].map((c, i) => `${name}[${at} + ${i}u] = (${value}).${c};`).join(" ");
}

export function printForward(saves: boolean): string {
  const tile = forwardTile;
  return `${printFrame(tile, ["q"], ["k", "v"])}
var<workgroup> scores: array<f32, ${blockTokens * tile}>;

fn check_ends(index: u32, local: u32) {
  if (index != 0u) { return; }
  for (var i = local; i < p.ends; i += ${threads}u) {
    let here = cu[p.cu_base + i];
    let rises = i == 0u || cu[p.cu_base + i - 1u] <= here;
    let fits = (i > 0u || here == 0) && (i + 1u < p.ends || here == i32(p.tokens)) && here >= 0 && here <= i32(p.tokens);
    if (!rises || !fits) { report_(${errorCode("varlenAttention")}u, here, p.tokens); }
  }
}

${open}
  check_ends(index, local);
  ${printLoad(blockTokens, "first_token", { row_q: `${load.q} * p.scale` })}
  ${printSums("sum")}
  var largest = -3.0e38;
  var total = 0.0;
  for (var start = begin; start < end; start += TILE) {
    let steps = min(TILE, end - start);
    workgroupBarrier();
    ${printLoad(tile, "start", { tile_k: load.k, tile_v: load.v })}
    workgroupBarrier();
    ${eachPlace(
      `var score = 0.0;
      ${eachQuarter} { score += dot(row_q[row * QUARTER + d], tile_k[place * QUARTER + d]); }
      scores[row * TILE + place] = select(-3.0e38, score, visible);`,
    )}
    workgroupBarrier();
    var next = largest;
    for (var j = 0u; j < steps; j++) { next = max(next, scores[row * TILE + j]); }
    let shrink = exp(largest - next);
    largest = next;
    total *= shrink;
    ${printColumns("sum$ *= shrink;")}
    for (var j = 0u; j < steps; j++) {
      let score = scores[row * TILE + j];
      let weight = select(0.0, exp(score - largest), score > -2.0e38);
      total += weight;
      ${printColumns("sum$ += weight * tile_v[j * QUARTER + at];")}
    }
  }
  if (!inside) { return; }
  let inverse = select(0.0, 1.0 / total, total > 0.0);
  let to = at_head(p.y_base, token, head);
  ${printColumns(store4("y", "to + at * 4u", "sum$ * inverse"))}
  ${saves ? "if (part == 0u) { lse[p.lse_base + token * p.heads + head] = largest + log_(total); }" : ""}
}`;
}

/** Gradient of the queries: dS = P · (dO·V - Δ) with Δ = dO·O, dQ = scale · dS·K. Leaves Δ behind for the other pass. */
export function printQueries(): string {
  const tile = backwardTile;
  return `${printFrame(tile, ["q", "g"], ["k", "v"])}
${load4("grad")}
var<workgroup> slopes: array<f32, ${blockTokens * tile}>;

${open}
  ${printLoad(blockTokens, "first_token", { row_q: `${load.q} * p.scale`, row_g: load.grad })}
  var mean = 0.0;
  for (var d = 0u; d < 4u * p.quarter; d++) {
    let at = (token * p.heads + head) * 4u * p.quarter + d;
    mean += grad[p.grad_base + at] * y[p.y_base + at];
  }
  let log_total = lse[p.lse_base + token * p.heads + head];
  ${printSums("sum")}
  for (var start = begin; start < end; start += TILE) {
    let steps = min(TILE, end - start);
    workgroupBarrier();
    ${printLoad(tile, "start", { tile_k: load.k, tile_v: load.v })}
    workgroupBarrier();
    ${eachPlace(
      `var score = -log_total;
      var slope = -mean;
      ${eachQuarter} {
        score += dot(row_q[row * QUARTER + d], tile_k[place * QUARTER + d]);
        slope += dot(row_g[row * QUARTER + d], tile_v[place * QUARTER + d]);
      }
      slopes[row * TILE + place] = select(0.0, exp(score) * slope * p.scale, visible);`,
    )}
    workgroupBarrier();
    for (var j = 0u; j < steps; j++) {
      let weight = slopes[row * TILE + j];
      ${printColumns("sum$ += weight * tile_k[j * QUARTER + at];")}
    }
  }
  if (!inside) { return; }
  if (part == 0u) { delta[p.delta_base + token * p.heads + head] = mean; }
  let to = at_result(token, 0u, head);
  ${printColumns(store4("result", "to + at * 4u", "sum$"))}
}

${atResult}`;
}

/** Gradients of keys and values: a row is a key, and the tokens that it sees are those that see it. dV = Pᵀ·dO, dK = scale · dSᵀ·Q. */
export function printKeys(): string {
  const tile = backwardTile;
  return `${printFrame(tile, ["k", "v"], ["q", "g"])}
${load4("grad")}
var<workgroup> weights: array<f32, ${blockTokens * tile}>;
var<workgroup> slopes: array<f32, ${blockTokens * tile}>;

${open}
  ${printLoad(blockTokens, "first_token", { row_k: `${load.k} * p.scale`, row_v: load.v })}
  ${printSums("sum_k", "sum_v")}
  for (var start = begin; start < end; start += TILE) {
    let steps = min(TILE, end - start);
    workgroupBarrier();
    ${printLoad(tile, "start", { tile_q: load.q, tile_g: load.grad })}
    workgroupBarrier();
    ${eachPlace(
      `let other = min(start + place, p.tokens - 1u) * p.heads + head;
      var score = -lse[p.lse_base + other];
      var slope = -delta[p.delta_base + other];
      ${eachQuarter} {
        score += dot(row_k[row * QUARTER + d], tile_q[place * QUARTER + d]);
        slope += dot(row_v[row * QUARTER + d], tile_g[place * QUARTER + d]);
      }
      let weight = select(0.0, exp(score), visible);
      weights[row * TILE + place] = weight;
      slopes[row * TILE + place] = select(0.0, weight * slope * p.scale, visible);`,
    )}
    workgroupBarrier();
    for (var j = 0u; j < steps; j++) {
      let weight = weights[row * TILE + j];
      let slope = slopes[row * TILE + j];
      ${printColumns("sum_k$ += slope * tile_q[j * QUARTER + at]; sum_v$ += weight * tile_g[j * QUARTER + at];")}
    }
  }
  if (!inside) { return; }
  let to_k = at_result(token, 1u, head);
  let to_v = at_result(token, 2u, head);
  ${printColumns(`${store4("result", "to_k + at * 4u", "sum_k$")} ${store4("result", "to_v + at * 4u", "sum_v$")}`)}
}

${atResult}`;
}

const atResult = `fn at_result(token: u32, which: u32, head: u32) -> u32 {
  return p.result_base + ((token * 3u + which) * p.heads + head) * 4u * p.quarter;
}`;
