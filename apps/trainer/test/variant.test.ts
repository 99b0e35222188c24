/** Variants through the trainer: each choice made alone trains and is in the folder; from there training goes on with the same choices only. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runTraining } from "../src/run/run-training.ts";
import type { RunResult } from "../src/run/run-training.ts";
import { folderOfFile, prepareCorpus, quiet, tinyConfig } from "./support.ts";

const folder = folderOfFile();
await prepareCorpus(folder);
const shape = { preset: "variant", num_hidden_layers: 2, hidden_size: 16, num_attention_heads: 2 };
let runs = 0;
const run = (model: object): Promise<RunResult> =>
  runTraining(tinyConfig(folder, { output: join(folder, `run-${runs++}`), length: "200 tokens", model }), quiet);
const configOf = ({ modelFolder }: RunResult): unknown =>
  JSON.parse(readFileSync(join(modelFolder!, "config.json"), "utf8"));

const unchanged = { positions: "rope", norm_placement: "pre", gated: true, mlp_bias: false };
test.each([
  [{ positions: "learned" }, { positions: "learned" }],
  [{ norm_placement: "post" }, { norm_placement: "post" }],
  [{ gated: false }, { gated: false }],
  [{ biases: true }, { norm_bias: true, attention_bias: true, mlp_bias: true }],
  [{ global_attn_every_n_layers: 1 }, { layer_types: ["full_attention", "full_attention"] }],
])("%o alone", async (choice, written) => {
  const result = await run({ ...shape, ...choice });
  expect(configOf(result)).toMatchObject({ model_type: "encoder_variant", ...unchanged, ...written });
  const from = result.modelFolder!;
  expect(configOf(await run({ from, ...choice }))).toMatchObject(written);
  const [[field, value]] = Object.entries(choice) as [[string, unknown]];
  const others: Record<string, unknown> = { positions: "rope", norm_placement: "pre", global_attn_every_n_layers: 2 };
  const other = typeof value === "boolean" ? !value : others[field];
  await expect(run({ from, [field]: other })).rejects.toThrow(`model.${field}: expected `);
});

test("a ModernBERT's layers and window are those of its folder", async () => {
  const { modelFolder: from } = await run({ ...shape, preset: "17m", intermediate_size: 16, local_attention: 8 });
  await expect(run({ from, local_attention: 16 })).rejects.toThrow(
    `model.local_attention: expected 8, which ${from} has, got 16: leave it out, or model.from`,
  );
  await expect(run({ from, global_attn_every_n_layers: 1 })).rejects.toThrow(
    `model.global_attn_every_n_layers: expected layers global, local, which ${from} has, got 1`,
  );
  expect(configOf(await run({ from, local_attention: 9, global_attn_every_n_layers: 2 }))).toMatchObject({
    local_attention: 8,
    layer_types: ["full_attention", "sliding_attention"],
  });
});
