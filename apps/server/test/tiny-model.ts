/** A small ModernBERT with random weights in a folder of its own, made by the packages that make real ones. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createBackend } from "@modernbert-ts/backends";
import type { Head } from "@modernbert-ts/encoder";
import { createConfig, initialiseParameters, ModernBert } from "@modernbert-ts/modernbert";
import { saveModel } from "@modernbert-ts/modernbert/node";
import { Runtime } from "@modernbert-ts/tensor-core";
import { temporaryFolder } from "./temporary-folder.ts";

export const hiddenSize = 32;

/** Has the built-in vocabulary, so no tokenizer.json is needed. @param labels of a classifier */
export async function makeTinyModel(head: Head = "masked-lm", labels?: readonly string[]): Promise<string> {
  const folder = await temporaryFolder();
  const config = createConfig({
    vocab_size: 50368,
    hidden_size: hiddenSize,
    intermediate_size: 48,
    num_hidden_layers: 3,
    num_attention_heads: 2,
    max_position_embeddings: 128,
    local_attention: 16,
    ...(labels && { id2label: Object.fromEntries(labels.map((label, id) => [String(id), label])) }),
  });
  const { backend } = await createBackend("cpu", { cpuEngine: "typescript" });
  try {
    const runtime = new Runtime(backend);
    const parameters = initialiseParameters(runtime, config, head, { seed: 7 });
    const model = new ModernBert({ runtime, config, head, parameters });
    await saveModel(folder, model);
    model.dispose();
  } finally {
    await backend[Symbol.asyncDispose]();
  }
  return folder;
}

/** More files of that folder. */
export async function withFiles(
  folder: string | Promise<string>,
  files: Readonly<Record<string, unknown>>,
): Promise<string> {
  const place = await folder;
  for (const [name, content] of Object.entries(files)) await writeFile(join(place, name), JSON.stringify(content));
  return place;
}

/** modules.json of a SPLADE model. */
export const spladeModules: readonly object[] = [
  { idx: 0, path: "", type: "sentence_transformers.models.Transformer" },
  { idx: 1, path: "1_SpladePooling", type: "sentence_transformers.sparse_encoder.models.SpladePooling" },
];

/** What makes a multi-vector model of a folder. */
export const colbertFiles: Readonly<Record<string, unknown>> = {
  "config_sentence_transformers.json": { model_type: "ColBERT" },
  "modules.json": spladeModules.slice(0, 1),
};
