/** Attention backward through workgroup memory: one pass for the queries, one for keys and values (Dao et al. 2022, App. B). */
import { eachQuarter } from "./attention-common.ts";
import { addDot, load, printColumns, printSums, printTiledAttention } from "./attention-frame.ts";

/** Tokens per tile: four matrices of the backward pass fill the workgroup memory. */
const tile = 8;

/** Gradient of the queries: dS = P · (dO·V - Δ) with Δ = dO·O, dQ = scale · dS·K. Leaves Δ behind for the other pass. */
export function printQueries(): string {
  const shader = printTiledAttention({
    tile,
    rows: { q: load.q, g: load.grad },
    tiles: { k: load.k, v: load.v },
    places: ["slopes"],
    before: `var mean = 0.0;
  ${eachQuarter} {
    mean += f32(dot(load4_grad(at_head(p.grad_base, token, head) + d), load4_y(at_head(p.y_base, token, head) + d)));
  }
  let log_total = lse[p.lse_base + token * p.heads + head];
  ${printSums("sum")}`,
    score: `var score = 0.0;
      var slope = -mean;
      ${eachQuarter} { ${addDot("score", "q", "k")} ${addDot("slope", "g", "v")} }
      slopes[at] = select(0.0, exp(score * p.scale - log_total) * slope * p.scale, visible);`,
    add: `for (var j = 0u; j < steps; j++) {
      let weight = slopes[row * TILE + j];
      ${printColumns("sum$ += weight * vec4f(tile_k[j * QUARTER + at]);")}
    }`,
    after: `if (part == 0u) { delta[p.delta_base + token * p.heads + head] = mean; }
  let to = at_result(token, 0u, head);
  ${printColumns("store4_result(to + at, sum$);")}`,
  });
  return `${atResult}\n\n${shader}`;
}

/** Gradients of keys and values: a row is a key, and the tokens that it sees are those that see it. dV = Pᵀ·dO, dK = scale · dSᵀ·Q. */
export function printKeys(): string {
  const shader = printTiledAttention({
    tile,
    rows: { k: load.k, v: load.v },
    tiles: { q: load.q, g: load.grad },
    places: ["weights", "slopes"],
    before: printSums("sum_k", "sum_v"),
    score: `let of_row = min(other, p.tokens - 1u) * p.heads + head;
      var score = 0.0;
      var slope = -delta[p.delta_base + of_row];
      ${eachQuarter} { ${addDot("score", "k", "q")} ${addDot("slope", "v", "g")} }
      let weight = select(0.0, exp(score * p.scale - lse[p.lse_base + of_row]), visible);
      weights[at] = weight;
      slopes[at] = select(0.0, weight * slope * p.scale, visible);`,
    add: `for (var j = 0u; j < steps; j++) {
      let weight = weights[row * TILE + j];
      let slope = slopes[row * TILE + j];
      ${printColumns("sum_k$ += slope * vec4f(tile_q[j * QUARTER + at]); sum_v$ += weight * vec4f(tile_g[j * QUARTER + at]);")}
    }`,
    after: `let to_k = at_result(token, 1u, head);
  let to_v = at_result(token, 2u, head);
  ${printColumns("store4_result(to_k + at, sum_k$); store4_result(to_v + at, sum_v$);")}`,
  });
  return `${atResult}\n\n${shader}`;
}

const atResult = `fn at_result(token: u32, which: u32, head: u32) -> u32 {
  return p.result_base + ((token * 3u + which) * p.heads + head) * p.quarter;
}`;
