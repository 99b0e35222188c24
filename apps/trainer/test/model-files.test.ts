/** The config that checkpoints carry must be one that transformers reads: it refuses `2` where it declares a float. */
import { trainedBert } from "../src/architectures/bert.ts";
import { trainedModernBert } from "../src/architectures/modernbert.ts";
import { architectureOf } from "../src/architectures/all.ts";
import { checkConfig } from "../src/config/read-config.ts";
import { loadModernBertTokenizer } from "@modernbert-ts/tokenizer";
import { expect, test } from "vitest";
import type { TrainedArchitecture } from "../src/architectures/architecture.ts";
import { modelFiles } from "../src/run/model-files.ts";

function modelOf(
  { architecture: { kind }, presets }: TrainedArchitecture,
  name: string,
): Parameters<typeof modelFiles>[0] {
  const config = presets[name]!;
  return { kind, config, head: "masked-lm", info: kind.info(config, "masked-lm") };
}

test("config.json writes floats as floats and names its class", async () => {
  const files = modelFiles(modelOf(trainedModernBert, "17m"), await loadModernBertTokenizer());
  expect(files["config.json"]).toContain('"initializer_cutoff_factor": 2.0');
  expect(JSON.parse(files["config.json"]!)).toMatchObject({
    architectures: ["ModernBertForMaskedLM"],
    vocab_size: 50368,
  });
  expect(JSON.parse(files["tokenizer_config.json"]!)).toMatchObject({ mask_token: "[MASK]", cls_token: "[CLS]" });
});

test("of BERT, the tokenizer's inputs have token types", async () => {
  const files = modelFiles(modelOf(trainedBert, "bert-tiny"), await loadModernBertTokenizer());
  expect(JSON.parse(files["config.json"]!)).toMatchObject({ architectures: ["BertForMaskedLM"], num_hidden_layers: 2 });
  expect(JSON.parse(files["tokenizer_config.json"]!)).toMatchObject({
    model_input_names: ["input_ids", "token_type_ids", "attention_mask"],
    model_max_length: 512,
  });
});

const refuse = (model: object): void =>
  void architectureOf(checkConfig({ data: { path: "nowhere" }, model }, "test").model);

test("fields of another architecture are refused by name", () => {
  expect(() => refuse({ preset: "bert-tiny", local_attention: 128 })).toThrow(
    "model.local_attention: expected none for model_type bert (preset bert-tiny)",
  );
  expect(() => refuse({ preset: "17m", hidden_dropout_prob: 0 })).toThrow("model.hidden_dropout_prob: expected none");
});
