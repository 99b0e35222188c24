/** Small models with random parameters, for tests of properties. */
import type { DType, Runtime } from "@modernbert-ts/tensor-core";
import { createConfig, initialiseParameters, ModernBert } from "../../src/index.ts";
import type { Head, ModernBertConfig } from "../../src/index.ts";

/** Wide initial weights, so that everything that a token sees shows in its output. */
export const smallConfig: ModernBertConfig = createConfig({
  vocab_size: 50,
  hidden_size: 16,
  intermediate_size: 12,
  num_hidden_layers: 4,
  num_attention_heads: 2,
  local_attention: 8,
  max_position_embeddings: 512,
  initializer_range: 0.5,
  pad_token_id: 0,
});

export function smallModel(
  runtime: Runtime,
  head: Head = "none",
  config: ModernBertConfig = smallConfig,
  dtype: DType = "f32",
): ModernBert {
  return new ModernBert({
    runtime,
    config,
    head,
    parameters: initialiseParameters(runtime, config, head, { seed: 3, dtype }),
  });
}

/** `length` ids, none of them [PAD], the same for the same seed. */
export function someIds(length: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return 1 + (state % 49);
  });
}
