/** Adapters as folders: those that PEFT saved (fixtures/lora) folded into their base, ours under PEFT's names, and what is refused. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { modernbertArchitecture } from "@modernbert-ts/modernbert";
import { loadModel } from "@modernbert-ts/modernbert/node";
import { readSafetensors, serializeSafetensors } from "@modernbert-ts/safetensors";
import type { TensorEntry } from "@modernbert-ts/safetensors";
import { expect, onTestFinished, test } from "vitest";
import { relativeError } from "../../modernbert/test/support/compare.ts";
import { saveCheckpoint } from "../src/checkpoint/save.ts";
import { adapterDescription } from "../src/lora/adapter-description.ts";
import { foldAdapter } from "../src/lora/fold.ts";
import { addLora } from "../src/lora/lora.ts";
import { saveAdapter } from "../src/lora/save-adapter.ts";
import { sequenceClassificationObjective } from "../src/objectives/sequence-classification/objective.ts";
import { newRuntime } from "./support/runtime.ts";
import { fixtures, golden, goldenRow } from "./support/lora-golden.ts";

const base = join(fixtures, "base");
const architectures = [modernbertArchitecture];

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "lora-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** How far the answers of a whole model are from PEFT's. */
async function errorOf(folder: string, name: string): Promise<number> {
  const runtime = newRuntime();
  const { model, unused } = await loadModel(folder, { runtime });
  expect(unused).toEqual([]);
  const trainable = sequenceClassificationObjective.model(model, { seed: 1 });
  const logits = runtime.scope(() => trainable.forward(trainable.upload(goldenRow())).predictions!);
  const error = relativeError(
    Float32Array.from((await logits.read()) as Float32Array),
    golden.toFloat32(`${name}.logits`),
  );
  logits.dispose();
  model.dispose();
  return error;
}

test.for(["plain", "patterns"])("an adapter of PEFT's folded into its base answers as PEFT: %s", async (name) => {
  const target = join(temporaryFolder(), "folded");
  expect(await foldAdapter(join(fixtures, name), target, { architectures, base })).toBe(false);
  expect(await errorOf(target, name)).toBeLessThan(2e-5);
  expect(await errorOf(base, name)).toBeGreaterThan(0.1);
});

test("a checkpoint with an adapter becomes the folder that PEFT would save, and folds to the same model", async () => {
  const folder = temporaryFolder();
  const runtime = newRuntime();
  const { model: encoder } = await loadModel(base, { runtime });
  const options = { rank: 4, alpha: 6, rslora: false, targets: ["Wqkv", "Wo", "Wi"], seed: 1 };
  const lora = addLora(encoder, options);
  const { parameters } = lora.of(sequenceClassificationObjective.model(encoder, { seed: 1 }));
  const saved = readSafetensors(readFileSync(join(fixtures, "plain/adapter_model.safetensors")));
  for (const [name, tensor] of parameters) runtime.write(tensor, saved.toFloat32(`base_model.model.${name}`));
  const files = {
    "config.json": readFileSync(join(base, "config.json"), "utf8"),
    ...(await adapterDescription(encoder, lora, options, base)),
  };
  const checkpoint = await saveCheckpoint(
    { step: 1, model: parameters, optimizer: new Map(), state: {}, files },
    { directory: join(folder, "checkpoints") },
  );
  await saveAdapter(checkpoint, join(folder, "adapter"), { architectures });
  const ours = readSafetensors(readFileSync(join(folder, "adapter/adapter_model.safetensors")));
  expect([...ours.tensors.keys()].sort()).toEqual([...saved.tensors.keys()].sort());
  for (const name of saved.tensors.keys()) expect(ours.toFloat32(name)).toEqual(saved.toFloat32(name));
  const json = JSON.parse(readFileSync(join(folder, "adapter/adapter_config.json"), "utf8")) as object;
  expect(json).toMatchObject({ target_modules: ["Wqkv", "Wo", "Wi"], modules_to_save: ["head", "classifier"], r: 4 });
  for (const from of ["adapter", "checkpoints/step-00000001"]) {
    const target = join(folder, `folded ${from.length}`);
    await foldAdapter(join(folder, from), target, { architectures });
    expect(await errorOf(target, "plain")).toBeLessThan(2e-5);
  }
  const other = join(folder, "other");
  cpSync(base, other, { recursive: true });
  writeFileSync(join(other, "model.safetensors"), readFileSync(join(base, "model.safetensors")).fill(1, 60_000));
  await expect(foldAdapter(checkpoint, join(folder, "x"), { architectures, base: other })).rejects.toThrow(
    "expected the weights that",
  );
  lora[Symbol.dispose]();
  encoder.dispose();
});

test.for([
  [{ use_dora: true }, "expected use_dora to be off in .*, got true"],
  [{ alora_invocation_tokens: [1] }, "expected alora_invocation_tokens to be off"],
  [{ bias: "lora_only" }, 'expected bias "none"'],
  [{ init_lora_weights: "pissa" }, "expected init_lora_weights true, false"],
  [{ peft_type: "IA3" }, 'expected peft_type "LORA"'],
  [{ fan_in_fan_out: true }, "expected fan_in_fan_out to be off"],
  [{ something_new: { a: 1 } }, "expected something_new to be off"],
  [{ lora_alpha: "much" }, "expected lora_alpha to be a number above 0"],
] as const)("refused by name: %j", async ([changes, message]) => {
  const folder = temporaryFolder();
  const adapter = join(folder, "adapter");
  cpSync(join(fixtures, "plain"), adapter, { recursive: true });
  const path = join(adapter, "adapter_config.json");
  const json = JSON.parse(readFileSync(path, "utf8")) as object;
  writeFileSync(path, JSON.stringify({ ...json, ...changes }));
  await expect(foldAdapter(adapter, join(folder, "x"), { architectures, base })).rejects.toThrow(new RegExp(message));
});

test.for([
  [
    "base_model.model.model.embeddings.tok_embeddings.lora_embedding_A",
    undefined,
    /got model\.embeddings\.tok_embeddings\.lora_embedding_A/,
  ],
  ["model.layers.0.attn.Wqkv.lora_A.weight", undefined, /expected names of PEFT/],
  [
    undefined,
    "base_model.model.model.layers.1.mlp.Wi.lora_B.weight",
    /expected both matrices of model\.layers\.1\.mlp\.Wi/,
  ],
  [
    "base_model.model.model.layers.0.attn.Wqkv.lora_A.weight",
    undefined,
    /expected model\.layers\.0\.attn\.Wqkv\.lora_A\.weight \[3, 32\].*got \[3\]/,
  ],
] as const)("tensors that do not belong: %s in, %s out", async ([added, left, message]) => {
  const folder = temporaryFolder();
  const adapter = join(folder, "adapter");
  cpSync(join(fixtures, "plain"), adapter, { recursive: true });
  const file = join(adapter, "adapter_model.safetensors");
  const saved = readSafetensors(readFileSync(file));
  const entries = [...saved.tensors].flatMap(([name, { shape }]): TensorEntry[] =>
    name === left || name === added ? [] : [{ name, dtype: "F32", shape, data: () => saved.toFloat32(name) }],
  );
  if (added !== undefined) entries.push({ name: added, dtype: "F32", shape: [3], data: () => new Float32Array(3) });
  const chunks: Uint8Array[] = [];
  for await (const chunk of serializeSafetensors(entries)) chunks.push(chunk.slice());
  writeFileSync(file, Buffer.concat(chunks));
  await expect(foldAdapter(adapter, join(folder, "x"), { architectures, base })).rejects.toThrow(message);
});
