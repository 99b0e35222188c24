/** What passes over rows: norms, the MLP, embeddings, the loss. Sizes of the base model. */
import {
  gather,
  layerNorm,
  linearCrossEntropy,
  mlp,
  residualLayerNorm,
  segmentSum,
} from "../../../../packages/tensor-core/dist/index.js";
import { filled } from "./tensors.mjs";

export function rowCases(emulate) {
  const [tokens, d, inner, vocabulary, scored] = emulate ? [48, 32, 48, 512, 16] : [65_536, 768, 1152, 50_368, 19_660];
  const each = tokens * d;
  const weights = (runtime) => filled(runtime, [d]);
  const drop = { rate: 0.1, draw: { seed: 1, stream: 2, step: 3 } };
  const residual = (stream, dropout) => ({
    name: `residual and layer norm, ${stream} stream${dropout ? ", dropout" : ""}`,
    composite: "residualLayerNorm",
    inputs: (runtime) => [filled(runtime, [tokens, d], stream), filled(runtime, [tokens, d], "bf16"), weights(runtime)],
    body([x, delta, weight]) {
      const { sum, normed } = residualLayerNorm(x, delta, weight, null, { eps: 1e-5, dtype: "bf16", dropout });
      return [sum, normed];
    },
    work: stream === "f32" ? bytesOf(12, 16) : bytesOf(8, 10),
  });
  function bytesOf(forward, backward) {
    return { forward: { bytes: forward * each }, backward: { bytes: backward * each } };
  }
  const products = 2 * tokens * d * 3 * inner;
  const logits = 2 * scored * d * vocabulary;
  return [
    {
      name: "layer norm",
      composite: "layerNorm",
      inputs: (runtime) => [filled(runtime, [tokens, d]), weights(runtime)],
      body: ([x, weight]) => layerNorm(x, weight, null, 1e-5, "bf16"),
      work: bytesOf(6, 10),
    },
    residual("f32"),
    residual("f32", drop),
    residual("bf16"),
    {
      name: "MLP",
      inputs: (runtime) => [
        filled(runtime, [tokens, d], "bf16"),
        filled(runtime, [2 * inner, d], "bf16"),
        filled(runtime, [d, inner], "bf16"),
      ],
      body: ([x, wi, wo]) => mlp(x, [wi, null], [wo, null], { activation: "gelu", gated: true }),
      work: { forward: { flops: products }, backward: { flops: 2 * products } },
    },
    {
      name: "decoder and cross-entropy",
      composite: "linearCrossEntropy",
      inputs: (runtime) => [filled(runtime, [scored, d], "bf16"), filled(runtime, [vocabulary, d], "bf16")],
      constants: (runtime) => [runtime.tensor(ids(scored, vocabulary), [scored], "i32")],
      body: ([hidden, weight], [labels]) => linearCrossEntropy(hidden, weight, null, labels).lossSum,
      work: { forward: { flops: logits }, backward: { flops: 2 * logits } },
    },
    {
      name: "embedding",
      inputs: (runtime) => [filled(runtime, [vocabulary, d])],
      constants: (runtime) => [runtime.tensor(ids(tokens, vocabulary), [tokens], "i32")],
      body: ([table], [at]) => gather(table, at),
      work: { forward: { bytes: 8 * each } },
    },
    {
      name: "gradient of the embedding",
      inputs: (runtime) => [filled(runtime, [tokens, d])],
      constants: (runtime) => [runtime.tensor(ids(tokens, vocabulary), [tokens], "i32")],
      body: ([values], [at]) => segmentSum(values, at, vocabulary),
      work: { forward: { bytes: 4 * each + 4 * vocabulary * d } },
    },
  ];
}

/** Ids of which one in four is the same, as [MASK] is. */
function ids(count, vocabulary) {
  return Int32Array.from({ length: count }, (_, at) => (at % 4 === 0 ? 7 : (at * 7919) % vocabulary));
}
