/**
 * ModernBERT as plain ONNX operators, as an exporter would write it: padded [B, S] input, dense masks for local layers.
 * Inputs: input_ids int64 [B, S], global_mask and local_mask f32 [B, 1, S, S] (0 or a large negative number), and per layer kind
 * cos and sin f32 [1, 1, S, D]. Output: last_hidden_state [B, S, d].
 * With `masksInside`, attention_mask int64 [B, S] in place of masks and tables, which the graph makes itself: what transformers.js feeds.
 * With `int8`, linear layers are what onnxruntime's `quantize_dynamic(per_channel=True)` makes of a MatMul: DynamicQuantizeLinear,
 * MatMulInteger over int8 weights, Cast, Mul by both scales.
 */
import { Graph } from "./graph.mjs";
import { masksAndTables } from "./masks-and-tables.mjs";

/**
 * @param {string} folder
 * @param {{ hiddenSize: number, layers: readonly ("global" | "local")[], heads: number, intermediateSize: number, vocabSize: number, eps: number, window: number, rope: Record<string, { theta: number }> }} shape
 * @param {(name: string) => Float32Array} weightOf parameters by their Hugging Face names, [out, in] row-major
 * @param {{ int8?: boolean, masksInside?: boolean }} [options]
 */
export function writeModernBertOnnx(folder, shape, weightOf, { int8 = false, masksInside = false } = {}) {
  const { hiddenSize: d, heads, intermediateSize: inner, vocabSize, eps } = shape;
  const width = d / heads;
  const g = new Graph(folder);
  const ids = g.input("input_ids", "int64", ["B", "S"]);
  const { masks, tables } = masksInside ? masksAndTables(g, ids, shape, width) : maskInputs(g, width);
  const vector = (name) => g.weight(name, [d], weightOf(name));
  const FLOAT = 1;
  /** ONNX MatMul wants [in, out]. */
  const linear = (input, name, rows, columns) => {
    const values = transposed(weightOf(name), rows, columns);
    if (!int8) return g.node("MatMul", [input, g.weight(name, [columns, rows], values)]);
    const { bytes, scales } = quantized(values, rows);
    const weight = g.weight(`${name}_quantized`, [columns, rows], bytes);
    const weightScale = g.weight(`${name}_scale`, [rows], scales);
    const weightZero = g.weight(`${name}_zero_point`, [rows], new Int8Array(rows));
    const [rounded, scale, zero] = g.node("DynamicQuantizeLinear", [input], {}, 3);
    const sums = g.node("Cast", [g.node("MatMulInteger", [rounded, weight, zero, weightZero])], { to: FLOAT });
    return g.node("Mul", [sums, g.node("Mul", [scale, weightScale])]);
  };
  const norm = (input, name) => g.node("LayerNormalization", [input, vector(name)], { axis: -1, epsilon: eps });
  const halves = g.constant([width / 2, width / 2]);
  const byHead = g.constant([0, 0, 3, heads, width]);
  const merged = g.constant([0, 0, d]);
  const scale = g.constant(width ** -0.5);
  const [one, half, rootTwo] = [1, 0.5, Math.SQRT2].map((v) => g.constant(v));
  const squeeze = g.constant([0]);
  const rotate = (x, [cos, sin]) => {
    const [first, second] = g.node("Split", [x, halves], { axis: 3 }, 2);
    const turned = g.node("Concat", [g.node("Neg", [second]), first], { axis: 3 });
    return g.node("Add", [g.node("Mul", [x, cos]), g.node("Mul", [turned, sin])]);
  };
  const embeddings = g.weight("embeddings", [vocabSize, d], weightOf("model.embeddings.tok_embeddings.weight"));
  let x = norm(g.node("Gather", [embeddings, ids]), "model.embeddings.norm.weight");
  shape.layers.forEach((kind, index) => {
    const at = `model.layers.${index}`;
    const normed = index === 0 ? x : norm(x, `${at}.attn_norm.weight`);
    const qkv = g.node("Reshape", [linear(normed, `${at}.attn.Wqkv.weight`, 3 * d, d), byHead]);
    const parts = g.node("Split", [g.node("Transpose", [qkv], { perm: [2, 0, 3, 1, 4] })], { axis: 0 }, 3);
    const [q, k, v] = parts.map((part) => g.node("Squeeze", [part, squeeze]));
    const keys = g.node("Transpose", [rotate(k, tables[kind])], { perm: [0, 1, 3, 2] });
    const scores = g.node("Mul", [g.node("MatMul", [rotate(q, tables[kind]), keys]), scale]);
    const weights = g.node("Softmax", [g.node("Add", [scores, masks[kind]])], { axis: -1 });
    const byToken = g.node("Transpose", [g.node("MatMul", [weights, v])], { perm: [0, 2, 1, 3] });
    const attended = linear(g.node("Reshape", [byToken, merged]), `${at}.attn.Wo.weight`, d, d);
    x = g.node("Add", [x, attended]);
    const wide = linear(norm(x, `${at}.mlp_norm.weight`), `${at}.mlp.Wi.weight`, 2 * inner, d);
    const [a, gate] = g.node("Split", [wide, g.constant([inner, inner])], { axis: 2 }, 2);
    const erf = g.node("Add", [g.node("Erf", [g.node("Div", [a, rootTwo])]), one]);
    const gelu = g.node("Mul", [g.node("Mul", [a, erf]), half]);
    x = g.node("Add", [x, linear(g.node("Mul", [gelu, gate]), `${at}.mlp.Wo.weight`, d, inner)]);
  });
  g.rename(norm(x, "model.final_norm.weight"), "last_hidden_state");
  g.output("last_hidden_state", ["B", "S", d]);
  return g.save();
}

function maskInputs(g, width) {
  const kinds = ["global", "local"];
  const table = (kind) => ["cos", "sin"].map((name) => g.input(`${kind}_${name}`, "float", [1, 1, "S", width]));
  return {
    masks: Object.fromEntries(kinds.map((kind) => [kind, g.input(`${kind}_mask`, "float", ["B", 1, "S", "S"])])),
    tables: Object.fromEntries(kinds.map((kind) => [kind, table(kind)])),
  };
}

function transposed(values, rows, columns) {
  const result = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = values[r * columns + c];
  return result;
}

/** Columns of [in, out] to bytes, symmetric. */
function quantized(values, columns) {
  const scales = new Float32Array(columns);
  values.forEach((value, at) => (scales[at % columns] = Math.max(scales[at % columns], Math.abs(value) / 127)));
  return { scales, bytes: Int8Array.from(values, (value, at) => Math.round(value / (scales[at % columns] || 1))) };
}
