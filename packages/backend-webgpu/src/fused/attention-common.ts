/** What all shaders of `varlen-attention.ts` share: sizes, the keys that a token sees, addresses. */
import { errorCode } from "../kernels/bad-values.ts";

/** Four matrices of the backward pass fill the 16 KiB of workgroup memory that every adapter has. */
export const maxHeadSize = 64;

export const threads = 64;

/** Visits a head's elements in groups of four. */
export const eachQuarter = "for (var d = 0u; d < p.quarter; d++)";

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
