/**
 * Attention forward without workgroup memory, for adapters where barriers are slow: a thread computes one token of one head, keeps its
 * query and its sums in registers and reads the keys four at a time. Neighbouring threads take neighbouring tokens, which attend to
 * nearly the same keys.
 */
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { checkEnds, eachQuarter, maxHeadSize, rangeFunctions, threads } from "./attention-common.ts";

function eachKey(text: (key: number) => string, separator: string): string {
  return [0, 1, 2, 3].map(text).join(separator);
}

/** @param saves Leaves the log-sum-exp behind. */
export function printDirectForward(saves: boolean): string {
  return `${rangeFunctions}

${checkEnds}

@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  check_ends(${groupIndex}, local);
  let index = ${groupIndex} * ${threads}u + local;
  if (index >= p.tokens * p.heads) { return; }
  let token = index % p.tokens;
  let head = index / p.tokens;
  let seen = range_of(token);
  var query: array<Quad, ${maxHeadSize / 4}>;
  var sum: array<vec4f, ${maxHeadSize / 4}>;
  ${eachQuarter} { query[d] = load4_qkv(at_qkv(token, 0u, head) + d); sum[d] = vec4f(); }
  var largest = -3.0e38;
  var total = 0.0;
  for (var start = seen.first; start < seen.end; start += 4u) {
    ${eachKey((key) => `let k${key} = at_qkv(min(start + ${key}u, seen.end - 1u), 1u, head);`, "\n    ")}
    var scores = vec4f();
    ${eachQuarter} {
      let q = query[d];
      scores += vec4f(Quad(${eachKey((key) => `dot(q, load4_qkv(k${key} + d))`, ", ")}));
    }
    scores *= p.scale;
    let next = max(largest, max(max(scores.x, scores.y), max(scores.z, scores.w)));
    let inside = vec4u(start) + vec4u(0u, 1u, 2u, 3u) < vec4u(seen.end);
    let weights = select(vec4f(), exp(scores - next), inside);
    let shrink = exp(largest - next);
    largest = next;
    total = total * shrink + dot(weights, vec4f(1.0));
    let to_value = p.heads * p.quarter;
    ${eachQuarter} {
      sum[d] = sum[d] * shrink + ${eachKey((key) => `weights[${key}] * vec4f(load4_qkv(k${key} + to_value + d))`, " + ")};
    }
  }
  let inverse = select(0.0, 1.0 / total, total > 0.0);
  ${eachQuarter} { store4_y(at_head(p.y_base, token, head) + d, sum[d] * inverse); }
  ${saves ? "lse[p.lse_base + token * p.heads + head] = largest + log_(total);" : ""}
}`;
}
