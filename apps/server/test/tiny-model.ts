/** A small ModernBERT with random weights in a folder of its own, made by the packages that make real ones. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createBackend } from "@modernbert-ts/backends";
import type { Head } from "@modernbert-ts/encoder";
import { createConfig, initialiseParameters, ModernBert } from "@modernbert-ts/modernbert";
import { saveModel } from "@modernbert-ts/modernbert/node";
import { writeSafetensors } from "@modernbert-ts/safetensors/node";
import { Runtime } from "@modernbert-ts/tensor-core";
import { temporaryFolder } from "./temporary-folder.ts";

export const hiddenSize = 32;

/** A cross-encoder in modules, as sentence-transformers saves one: cls, LayerNorm, a Dense with one score, no activation. */
export async function makeModularReranker(): Promise<string> {
  const folder = await makeTinyModel("none");
  const kinds = ["Transformer", "Pooling", "LayerNorm", "Dense"];
  const configs: readonly object[] = [
    {},
    { embedding_dimension: hiddenSize, pooling_mode: "cls", include_prompt: true },
    { dimension: hiddenSize },
    {
      in_features: hiddenSize,
      out_features: 1,
      bias: false,
      activation_function: "torch.nn.modules.linear.Identity",
      module_output_name: "scores",
    },
  ];
  const write = (path: string, json: object): Promise<void> => writeFile(join(folder, path), JSON.stringify(json));
  await write("config_sentence_transformers.json", {
    model_type: "CrossEncoder",
    activation_fn: "torch.nn.modules.linear.Identity",
  });
  await write(
    "modules.json",
    kinds.map((kind, at) => ({ type: `sentence_transformers.${kind}`, path: at === 0 ? "" : `${at}_${kind}` })),
  );
  const numbers = Float32Array.from({ length: hiddenSize }, (_, at) => Math.sin(at + 1));
  const tensor = (name: string, ...shape: number[]) => ({ name, dtype: "F32" as const, shape, data: numbers });
  const weights = [
    undefined,
    undefined,
    [tensor("norm.weight", hiddenSize), tensor("norm.bias", hiddenSize)],
    [tensor("linear.weight", 1, hiddenSize)],
  ];
  for (const [at, kind] of kinds.entries()) {
    if (at === 0) continue;
    await mkdir(join(folder, `${at}_${kind}`));
    await write(`${at}_${kind}/config.json`, configs[at]!);
    if (weights[at]) await writeSafetensors(join(folder, `${at}_${kind}/model.safetensors`), weights[at]);
  }
  return folder;
}

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
