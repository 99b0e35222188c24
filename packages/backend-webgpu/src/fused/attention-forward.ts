/** Attention forward through workgroup memory: online softmax over tiles of keys (Milakov & Gimelshein 2018; Dao et al. 2022). */
import { checkEnds, eachQuarter } from "./attention-common.ts";
import { addDot, load, printColumns, printSums, printTiledAttention } from "./attention-frame.ts";

export function printForward(saves: boolean): string {
  const shader = printTiledAttention({
    tile: 16,
    rows: { q: load.q },
    tiles: { k: load.k, v: load.v },
    places: ["scores"],
    before: `check_ends(index, local);
  ${printSums("sum")}
  var largest = -3.0e38;
  var total = 0.0;`,
    score: `var score = 0.0;
      ${eachQuarter} { ${addDot("score", "q", "k")} }
      scores[at] = select(-3.0e38, score * p.scale, visible);`,
    add: `var next = largest;
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
    }`,
    after: `let inverse = select(0.0, 1.0 / total, total > 0.0);
  let to = at_head(p.y_base, token, head);
  ${printColumns("store4_y(to + at, sum$ * inverse);")}
  ${saves ? "if (part == 0u) { lse[p.lse_base + token * p.heads + head] = largest + log_(total); }" : ""}`,
  });
  return `${checkEnds}\n\n${shader}`;
}
