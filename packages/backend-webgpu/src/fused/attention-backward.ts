/** Attention backward through workgroup memory: one pass for the queries, one for keys and values (Dao et al. 2022, App. B). */
import {
  blockTokens,
  eachPlace,
  eachQuarter,
  load,
  open,
  printColumns,
  printFrame,
  printLoad,
  printSums,
} from "./attention-frame.ts";

/** Tokens per tile: four matrices of the backward pass fill the workgroup memory. */
const tileTokens = 8;

/** Gradient of the queries: dS = P · (dO·V - Δ) with Δ = dO·O, dQ = scale · dS·K. Leaves Δ behind for the other pass. */
export function printQueries(): string {
  return `${printFrame(tileTokens, ["q", "g"], ["k", "v"])}
var<workgroup> slopes: array<f32, ${blockTokens * tileTokens}>;

${open}
  ${printLoad(blockTokens, "first_token", { row_q: load.q, row_g: load.grad })}
  var mean = 0.0;
  ${eachQuarter} {
    mean += f32(dot(load4_grad(at_head(p.grad_base, token, head) + d), load4_y(at_head(p.y_base, token, head) + d)));
  }
  let log_total = lse[p.lse_base + token * p.heads + head];
  ${printSums("sum")}
  for (var start = begin; start < end; start += TILE) {
    let steps = min(TILE, end - start);
    workgroupBarrier();
    ${printLoad(tileTokens, "start", { tile_k: load.k, tile_v: load.v })}
    workgroupBarrier();
    ${eachPlace(
      `var score = 0.0;
      var slope = -mean;
      ${eachQuarter} {
        score += f32(dot(row_q[row * QUARTER + d], tile_k[place * QUARTER + d]));
        slope += f32(dot(row_g[row * QUARTER + d], tile_v[place * QUARTER + d]));
      }
      slopes[row * TILE + place] = select(0.0, exp(score * p.scale - log_total) * slope * p.scale, visible);`,
    )}
    workgroupBarrier();
    for (var j = 0u; j < steps; j++) {
      let weight = slopes[row * TILE + j];
      ${printColumns("sum$ += weight * vec4f(tile_k[j * QUARTER + at]);")}
    }
  }
  if (!inside) { return; }
  if (part == 0u) { delta[p.delta_base + token * p.heads + head] = mean; }
  let to = at_result(token, 0u, head);
  ${printColumns("store4_result(to + at, sum$);")}
}

${atResult}`;
}

/** Gradients of keys and values: a row is a key, and the tokens that it sees are those that see it. dV = Pᵀ·dO, dK = scale · dSᵀ·Q. */
export function printKeys(): string {
  return `${printFrame(tileTokens, ["k", "v"], ["q", "g"])}
var<workgroup> weights: array<f32, ${blockTokens * tileTokens}>;
var<workgroup> slopes: array<f32, ${blockTokens * tileTokens}>;

${open}
  ${printLoad(blockTokens, "first_token", { row_k: load.k, row_v: load.v })}
  ${printSums("sum_k", "sum_v")}
  for (var start = begin; start < end; start += TILE) {
    let steps = min(TILE, end - start);
    workgroupBarrier();
    ${printLoad(tileTokens, "start", { tile_q: load.q, tile_g: load.grad })}
    workgroupBarrier();
    ${eachPlace(
      `let other = min(start + place, p.tokens - 1u) * p.heads + head;
      var score = 0.0;
      var slope = -delta[p.delta_base + other];
      ${eachQuarter} {
        score += f32(dot(row_k[row * QUARTER + d], tile_q[place * QUARTER + d]));
        slope += f32(dot(row_v[row * QUARTER + d], tile_g[place * QUARTER + d]));
      }
      let weight = select(0.0, exp(score * p.scale - lse[p.lse_base + other]), visible);
      weights[row * TILE + place] = weight;
      slopes[row * TILE + place] = select(0.0, weight * slope * p.scale, visible);`,
    )}
    workgroupBarrier();
    for (var j = 0u; j < steps; j++) {
      let weight = weights[row * TILE + j];
      let slope = slopes[row * TILE + j];
      ${printColumns("sum_k$ += slope * vec4f(tile_q[j * QUARTER + at]); sum_v$ += weight * vec4f(tile_g[j * QUARTER + at]);")}
    }
  }
  if (!inside) { return; }
  let to_k = at_result(token, 1u, head);
  let to_v = at_result(token, 2u, head);
  ${printColumns("store4_result(to_k + at, sum_k$); store4_result(to_v + at, sum_v$);")}
}

${atResult}`;
}

const atResult = `fn at_result(token: u32, which: u32, head: u32) -> u32 {
  return p.result_base + ((token * 3u + which) * p.heads + head) * p.quarter;
}`;
