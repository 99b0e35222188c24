/**
 * Ready configs: the published base and large models, and the smaller and larger shapes that Ettin (arXiv 2507.11412) trained
 * with the same code. `createConfig` makes any other.
 */
import type { JsonObject } from "@modernbert-ts/encoder";
import type { ModernBertConfig } from "./config.ts";
import { parseConfig } from "./parse-config.ts";

/**
 * A config from the keys of config.json; what is not given has the default of transformers.
 * @throws ConfigError on impossible values.
 */
export function createConfig(fields: JsonObject): ModernBertConfig {
  return parseConfig({ model_type: "modernbert", ...fields });
}

function shape(layers: number, hidden: number, heads: number, intermediate: number): ModernBertConfig {
  return createConfig({
    num_hidden_layers: layers,
    hidden_size: hidden,
    num_attention_heads: heads,
    intermediate_size: intermediate,
    classifier_pooling: "mean",
  });
}

const base = shape(22, 768, 12, 1152);
const large = shape(28, 1024, 16, 2624);

export const presets: {
  readonly [name in "base" | "large" | "17m" | "32m" | "68m" | "150m" | "400m" | "1b"]: ModernBertConfig;
} = {
  base,
  large,
  "17m": shape(7, 256, 4, 384),
  "32m": shape(10, 384, 6, 576),
  "68m": shape(19, 512, 8, 768),
  "150m": base,
  "400m": large,
  "1b": shape(28, 1792, 28, 3840),
};
