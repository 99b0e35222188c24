/** The shapes that are measured, and how many floating-point operations a token costs in them. */
import { createConfig, presets } from "../../packages/modernbert/dist/index.js";

/** `base`, `large`, another preset, or LxDxHxI (layers, hidden, heads, intermediate). */
export function shapeConfig(name) {
  if (Object.hasOwn(presets, name)) return presets[name];
  const [layers, hidden, heads, intermediate] = name.split("x").map(Number);
  return createConfig({
    num_hidden_layers: layers,
    hidden_size: hidden,
    num_attention_heads: heads,
    intermediate_size: intermediate,
  });
}

/** Forward FLOPs of one sequence of S tokens without head: linear layers, and attention over the keys that each token sees. */
export function forwardFlops(config, length) {
  const { hiddenSize: d, intermediateSize: inner, layers } = config;
  const { window } = config;
  let banded = 0;
  for (let i = 0; i < length; i++) banded += Math.min(length - 1, i + window) - Math.max(0, i - window) + 1;
  const linear = length * layers.length * 2 * (4 * d * d + 3 * d * inner);
  const attention = layers.reduce((sum, kind) => sum + 4 * d * (kind === "global" ? length * length : banded), 0);
  return linear + attention;
}
