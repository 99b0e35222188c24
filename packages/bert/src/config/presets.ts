/** Ready shapes: base and large as published (arXiv 1810.04805 §3), and the miniatures of arXiv 1908.08962. */
import type { BertConfig } from "./config.ts";
import { createConfig } from "./parse-config.ts";

function shape(layers: number, hidden: number): BertConfig {
  return createConfig({
    num_hidden_layers: layers,
    hidden_size: hidden,
    num_attention_heads: hidden / 64,
    intermediate_size: 4 * hidden,
  });
}

export const presets: {
  readonly [name in "bert-base" | "bert-large" | "bert-medium" | "bert-small" | "bert-mini" | "bert-tiny"]: BertConfig;
} = {
  "bert-base": shape(12, 768),
  "bert-large": shape(24, 1024),
  "bert-medium": shape(8, 512),
  "bert-small": shape(4, 512),
  "bert-mini": shape(4, 256),
  "bert-tiny": shape(2, 128),
};
