/**
 * `int8Linear` in two steps: rows are rounded to bytes, four in a word, by a workgroup each; then whole-number dot products of words,
 * 4 × 4 results a thread. The sums are exact, so the order of the additions does not matter.
 */
import type { FusedKernel, View } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { halfGroup, maxOf, printReductions, groupThreads as threads } from "../wgsl/reduction.ts";
import { bindAll, hasQuads, supportsDense, withTensor } from "./support.ts";
import type { Tools } from "./support.ts";

/** Threads of a workgroup across the columns of its block of results. */
const across = 16;
const four = [0, 1, 2, 3] as const;

export function int8Linear({ device }: Tools): FusedKernel<"int8Linear"> {
  const dot = device.features.packedDot ? "dot4I8Packed" : "dot_bytes_";

  function round(x: View, bytes: View, scale: View): void {
    const [rows, depth] = x.shape as [number, number];
    const { bindings, bases } = bindAll(device, "int8Linear", { bytes, scale }, { x });
    device.stream.dispatch({
      key: "int8Linear rows",
      parameters: [
        ["rows", "u32", rows],
        ["depth", "u32", depth],
        ["words", "u32", bytes.shape[1]!],
        halfGroup,
        ...bases,
      ],
      bindings,
      groups: rows,
      body: () => printRound(device.features.subgroups),
    });
  }

  function multiply(y: View, bytes: View, scale: View, weight: View, scales: View, bias: View | null): void {
    const [rows, words] = bytes.shape as [number, number];
    const [columns] = weight.shape as [number, number];
    const isQuad = words % 4 === 0 && hasQuads(weight);
    const quads = isQuad ? ["bytes", "weight"] : [];
    const { bindings, bases } = bindAll(device, "int8Linear", { y }, { bytes, weight, scale, scales, bias }, quads);
    const acrossTiles = Math.ceil(columns / (4 * across));
    device.stream.dispatch({
      key: `int8Linear product by ${dot} ${isQuad ? "quads" : "words"} ${bias ? "bias" : ""}`,
      parameters: [
        ["rows", "u32", rows],
        ["columns", "u32", columns],
        ["words", "u32", isQuad ? words / 4 : words],
        ["tiles_n", "u32", acrossTiles],
        ...bases,
      ],
      bindings,
      groups: Math.ceil(rows / ((4 * threads) / across)) * acrossTiles,
      body: () => printProduct(dot, isQuad, bias !== null),
    });
  }

  return {
    supports: (query) => supportsDense(device, "int8Linear", query, { dtypes: ["f32"] }),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward({ inputs: [x, weight, scales, bias], outputs: [y] }) {
      if (y!.shape.includes(0)) return;
      const [rows] = x!.shape as [number, number];
      withTensor(device, [rows, weight!.shape[1]!], (words) => {
        withTensor(device, [rows], (scale) => {
          const bytes: View = { ...words, dtype: "i32" };
          round(x!, bytes, scale);
          multiply(y!, bytes, scale, weight!, scales!, bias ?? null);
        });
      });
    },
    backward: "none",
  };
}

/** `scale` becomes what one unit of a row's bytes is worth, NaN for a row that is not finite. */
function printRound(subgroups: boolean): string {
  return `${printReductions(subgroups, maxOf("vec2f"))}
@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let row = ${groupIndex};
  if (row >= p.rows) { return; }
  let start = p.x_base + row * p.depth;
  // The largest magnitude, and 1 where something is not finite.
  var found = vec2f();
  for (var c = local; c < p.depth; c += ${threads}u) {
    let v = x[start + c];
    if (isfinite_(v) == 0.0) { found.y = 1.0; } else { found.x = max(found.x, abs(v)); }
  }
  found = max_of(found, local);
  let most = found.x;
  let bad = found.y > 0.0;
  let units = select(0.0, 127.0 / most, most > 1e-30);
  for (var word = local; word < p.words; word += ${threads}u) {
    var packed = 0u;
    for (var i = 0u; i < 4u; i++) {
      let c = 4u * word + i;
      if (c < p.depth && !bad) { packed |= (u32(i32(round(x[start + c] * units))) & 0xffu) << (8u * i); }
    }
    bytes[p.bytes_base + row * p.words + word] = i32(packed);
  }
  if (local == 0u) { scale[p.scale_base + row] = select(most / 127.0, float_(0x7fc00000u), bad); }
}`;
}

function printProduct(dot: string, isQuad: boolean, bias: boolean): string {
  const dots = ["x", "y", "z", "w"].map((c) => `${dot}(u.${c}, v.${c})`).join(" + ");
  const word = isQuad ? "vec4u" : "u32";
  return `fn dot_words(u: ${word}, v: ${word}) -> i32 { return ${isQuad ? dots : `${dot}(u, v)`}; }

fn finish(sums: vec4i, row: u32, column: u32) {
  if (row >= p.rows) { return; }
  let unit = scale[p.scale_base + row];
  for (var i = 0u; i < 4u; i++) {
    let c = column + i;
    if (c >= p.columns) { return; }
    let value = f32(sums[i]) * scales[p.scales_base + c] * unit${bias ? " + bias[p.bias_base + c]" : ""};
    y[p.y_base + row * p.columns + c] = select(value, float_(0x7fc00000u), isnan_(unit));
  }
}

@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex};
  let row = index / p.tiles_n * ${(4 * threads) / across}u + local / ${across}u * 4u;
  let column = index % p.tiles_n * ${4 * across}u + local % ${across}u * 4u;
  if (row >= p.rows || column >= p.columns) { return; }
  ${four.map((r) => `let a${r} = p.bytes_base + min(row + ${r}u, p.rows - 1u) * p.words;`).join("\n  ")}
  ${four.map((c) => `let b${c} = p.weight_base + min(column + ${c}u, p.columns - 1u) * p.words;`).join("\n  ")}
  ${four.map((r) => `var sum${r} = vec4i();`).join(" ")}
  for (var k = 0u; k < p.words; k++) {
    ${four.map((c) => `let v${c} = bitcast<${word}>(weight[b${c} + k]);`).join("\n    ")}
    ${four
      .map((r) => {
        const products = four.map((c) => `dot_words(u, v${c})`).join(", ");
        return `{ let u = bitcast<${word}>(bytes[a${r} + k]); sum${r} += vec4i(${products}); }`;
      })
      .join("\n    ")}
  }
  ${four.map((r) => `finish(sum${r}, row + ${r}u, column);`).join("\n  ")}
}`;
}
