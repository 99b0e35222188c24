/** A BERT folder behind the tasks: single texts run, a text that is too long and a pair are refused by name. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBackend } from "@modernbert-ts/backends";
import { bertArchitecture, createConfig } from "@modernbert-ts/bert";
import { drawParameters } from "@modernbert-ts/encoder";
import { saveModel } from "@modernbert-ts/encoder/node";
import { Runtime } from "@modernbert-ts/tensor-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { classify, fillMask, openPipeline } from "../src/index.ts";
import { tinyTokenizerFiles, tinyVocabulary } from "./support/tiny-tokenizer.ts";

const folder = mkdtempSync(join(tmpdir(), "bert-"));
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  const { backend } = await createBackend("cpu", { cpuEngine: "typescript" });
  const runtime = new Runtime(backend);
  const config = createConfig({
    vocab_size: tinyVocabulary,
    hidden_size: 16,
    num_attention_heads: 2,
    num_hidden_layers: 2,
    intermediate_size: 24,
    max_position_embeddings: 32,
    initializer_range: 0.3,
  });
  const { kind, create } = bertArchitecture;
  for (const head of ["masked-lm", "sequence-classification"] as const) {
    const specs = kind.parameters(config, head);
    const initial = (name: string) => kind.initial(config, head, name, specs.get(name)!);
    const parameters = drawParameters(runtime, specs, initial, { seed: 1, dtype: "f32" });
    await saveModel(join(folder, head), create({ runtime, config, head, parameters }), { files: tinyTokenizerFiles() });
  }
});

it("fills masks", async () => {
  await using pipeline = await openPipeline(join(folder, "masked-lm"), { backend: "cpu" });
  const [answer] = await fillMask(pipeline, ["the [MASK] sat"], { topK: 3 });
  expect(answer![0]).toHaveLength(3);
});

it("classifies texts; refuses a pair and a text that is too long", async () => {
  await using pipeline = await openPipeline(join(folder, "sequence-classification"), { backend: "cpu" });
  expect((await classify(pipeline, ["the cat"]))[0]).toHaveLength(2);
  await expect(classify(pipeline, [["the cat", "sat"]])).rejects.toThrow("models with token types");
  await expect(classify(pipeline, ["the cat ".repeat(40)])).rejects.toThrow("expected at most 32 tokens");
});
