/** Two folders for a test: a model in f32, and the same with matrices in fewer bytes. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSafetensors } from "@modernbert-ts/safetensors";
import type { SafetensorsFile, TensorEntry } from "@modernbert-ts/safetensors";
import { writeSafetensors } from "@modernbert-ts/safetensors/node";
import type { Runtime } from "@modernbert-ts/tensor-core";
import { afterEach, beforeEach } from "vitest";
import { maskedLmLogits, packSequences } from "../../src/index.ts";
import type { Head, ModernBert, ModernBertConfig } from "../../src/index.ts";
import { loadModel, saveModel } from "../../src/node.ts";
import { smallConfig, smallModel, someIds } from "./small-model.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "modernbert-quantized-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A model in f32, and what was made of it. */
export const plain = (): string => join(folder, "plain");
export const narrow = (): string => join(folder, "narrow");
export const weightsOf = (path: string): SafetensorsFile =>
  readSafetensors(readFileSync(join(path, "model.safetensors")));
export const configOf = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(path, "config.json"), "utf8")) as Record<string, unknown>;

/** Rows of 18 and 26 bytes end inside a word. */
export const oddConfig = { ...smallConfig, hiddenSize: 18, numHeads: 3, intermediateSize: 26 };

export async function saveBoth(
  runtime: Runtime,
  head: Head = "masked-lm",
  config: ModernBertConfig = oddConfig,
  weights: "int8" | "int4" = "int8",
): Promise<void> {
  await saveModel(plain(), smallModel(runtime, head, config));
  const { model } = await loadModel(plain(), { runtime, weights });
  await saveModel(narrow(), model);
}

export async function outputOf(model: ModernBert): Promise<Float32Array> {
  const batch = packSequences([someIds(9), someIds(21, 5)]);
  const output = model.runtime.scope(() => {
    const hidden = model.encode(batch);
    return model.head === "masked-lm" ? maskedLmLogits(model, hidden, Int32Array.of(2, 4, 20)) : hidden;
  });
  return Float32Array.from(await output.read());
}

export async function rewrite(change: (entries: Map<string, TensorEntry>) => void): Promise<void> {
  const file = weightsOf(narrow());
  const entries = new Map([...file.tensors.keys()].map((name) => [name, { name, ...file.get(name) } as TensorEntry]));
  change(entries);
  await writeSafetensors(join(narrow(), "model.safetensors"), entries.values());
}
