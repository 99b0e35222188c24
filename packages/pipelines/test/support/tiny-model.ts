/** A ModernBERT of a few thousand random parameters with a tokenizer of 300 tokens, saved as a Hugging Face folder. */
import { createBackend } from "@modernbert-ts/backends";
import { createConfig, initialiseParameters, ModernBert } from "@modernbert-ts/modernbert";
import type { Head } from "@modernbert-ts/modernbert";
import { saveModel } from "@modernbert-ts/modernbert/node";
import { Runtime } from "@modernbert-ts/tensor-core";
import { tinyTokenizerFiles, tinyVocabulary } from "./tiny-tokenizer.ts";

export interface TinyModelOptions {
  readonly head?: Head;
  /** Fields of config.json over those of the tiny model. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export async function saveTinyModel(
  folder: string,
  { head = "masked-lm", config = {} }: TinyModelOptions = {},
): Promise<void> {
  const { backend } = await createBackend("cpu", { cpuEngine: "typescript" });
  const runtime = new Runtime(backend);
  const settings = createConfig({
    vocab_size: tinyVocabulary,
    hidden_size: 32,
    num_attention_heads: 2,
    num_hidden_layers: 3,
    intermediate_size: 48,
    local_attention: 8,
    max_position_embeddings: 64,
    initializer_range: 0.3, // large, so that predictions differ clearly
    pad_token_id: 4,
    cls_token_id: 2,
    bos_token_id: 2,
    sep_token_id: 3,
    eos_token_id: 3,
    ...config,
  });
  const parameters = initialiseParameters(runtime, settings, head, { seed: 7 });
  const model = new ModernBert({ runtime, config: settings, head, parameters });
  await saveModel(folder, model, { files: tinyTokenizerFiles() });
  model.dispose();
  await backend[Symbol.asyncDispose]();
}
