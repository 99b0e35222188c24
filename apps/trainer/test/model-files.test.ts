/** The config that checkpoints carry must be one that transformers reads: it refuses `2` where it declares a float. */
import { presets } from "@modernbert-ts/modernbert";
import { loadModernBertTokenizer } from "@modernbert-ts/tokenizer";
import { expect, test } from "vitest";
import { modelFiles } from "../src/run/model/model-files.ts";

test("config.json writes floats as floats and names its class", async () => {
  const files = modelFiles(presets["17m"], "masked-lm", await loadModernBertTokenizer());
  expect(files["config.json"]).toContain('"initializer_cutoff_factor": 2.0');
  expect(JSON.parse(files["config.json"]!)).toMatchObject({
    architectures: ["ModernBertForMaskedLM"],
    vocab_size: 50368,
  });
  expect(JSON.parse(files["tokenizer_config.json"]!)).toMatchObject({ mask_token: "[MASK]", cls_token: "[CLS]" });
});
