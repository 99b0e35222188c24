/** Attention forward through workgroup memory: online softmax over tiles of keys (Milakov & Gimelshein 2018; Dao et al. 2022). */
import { errorCode } from "../kernels/bad-values.ts";
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
  threads,
} from "./attention-frame.ts";

/** Keys per tile. */
const tileTokens = 16;

/** The first workgroup reports cuSeqlens that are none. */
export const checkEnds: string = `fn check_ends(index: u32, local: u32) {
  if (index != 0u) { return; }
  for (var i = local; i < p.ends; i += ${threads}u) {
    let here = cu[p.cu_base + i];
    let rises = i == 0u || cu[p.cu_base + i - 1u] <= here;
    let fits = (i > 0u || here == 0) && (i + 1u < p.ends || here == i32(p.tokens)) && here >= 0 && here <= i32(p.tokens);
    if (!rises || !fits) { report_(${errorCode("varlenAttention")}u, here, p.tokens); }
  }
}`;

export function printForward(saves: boolean): string {
  return `${printFrame(tileTokens, ["q"], ["k", "v"])}
var<workgroup> scores: array<f32, ${blockTokens * tileTokens}>;

${checkEnds}

${open}
  check_ends(index, local);
  ${printLoad(blockTokens, "first_token", { row_q: load.q })}
  ${printSums("sum")}
  var largest = -3.0e38;
  var total = 0.0;
  for (var start = begin; start < end; start += TILE) {
    let steps = min(TILE, end - start);
    workgroupBarrier();
    ${printLoad(tileTokens, "start", { tile_k: load.k, tile_v: load.v })}
    workgroupBarrier();
    ${eachPlace(
      `var score = 0.0;
      ${eachQuarter} { score += f32(dot(row_q[row * QUARTER + d], tile_k[place * QUARTER + d])); }
      scores[row * TILE + place] = select(-3.0e38, score * p.scale, visible);`,
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
      ${printColumns("sum$ += weight * vec4f(tile_v[j * QUARTER + at]);")}
    }
  }
  if (!inside) { return; }
  let inverse = select(0.0, 1.0 / total, total > 0.0);
  let to = at_head(p.y_base, token, head);
  ${printColumns("store4_y(to + at, sum$ * inverse);")}
  ${saves ? "if (part == 0u) { lse[p.lse_base + token * p.heads + head] = largest + log_(total); }" : ""}
}`;
}
