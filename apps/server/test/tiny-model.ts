/** A small ModernBERT with random weights in a folder of its own, made by the packages that make real ones. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBackend } from "@modernbert-ts/backends";
import { createConfig, initialiseParameters, ModernBert } from "@modernbert-ts/modernbert";
import type { Head } from "@modernbert-ts/modernbert";
import { saveModel } from "@modernbert-ts/modernbert/node";
import { Runtime } from "@modernbert-ts/tensor-core";

export const hiddenSize = 32;

/** Has the built-in vocabulary, so no tokenizer.json is needed. */
export async function makeTinyModel(head: Head = "masked-lm", files: Record<string, object> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "modernbert-server-"));
  const config = createConfig({
    vocab_size: 50368,
    hidden_size: hiddenSize,
    intermediate_size: 48,
    num_hidden_layers: 3,
    num_attention_heads: 2,
    max_position_embeddings: 128,
    local_attention: 16,
  });
  const { backend } = await createBackend("cpu", { cpuEngine: "typescript" });
  try {
    const runtime = new Runtime(backend);
    const parameters = initialiseParameters(runtime, config, head, { seed: 7 });
    const model = new ModernBert({ runtime, config, head, parameters });
    const extra = Object.entries(files).map(([name, content]) => ({ name, content: JSON.stringify(content) }));
    await saveModel(folder, model, { files: extra });
    model.dispose();
  } finally {
    await backend[Symbol.asyncDispose]();
  }
  return folder;
}
