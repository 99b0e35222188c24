/** config.json in: both generations, defaults, refusals by name, hostile input. And out again. */
import { readdirSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError, configToJSON, countParameters, createConfig, parseConfig, presets } from "../src/index.ts";
import { stringifyConfig } from "@modernbert-ts/encoder";
import { floatFields } from "../src/config/config-json.ts";
import type { ConfigForm, Head } from "../src/index.ts";
import { fixtureFolder, readConfigJson } from "./support/fixture.ts";

/** config.json as answerdotai published it for base (the keys that matter and some that do not). */
const published = {
  architectures: ["ModernBertForMaskedLM"],
  model_type: "modernbert",
  attention_bias: false,
  attention_dropout: 0.0,
  bos_token_id: 50281,
  classifier_activation: "gelu",
  classifier_pooling: "mean",
  cls_token_id: 50281,
  decoder_bias: true,
  eos_token_id: 50282,
  global_attn_every_n_layers: 3,
  global_rope_theta: 160000.0,
  gradient_checkpointing: false,
  hidden_activation: "gelu",
  hidden_size: 768,
  intermediate_size: 1152,
  layer_norm_eps: 1e-5,
  local_attention: 128,
  local_rope_theta: 10000.0,
  max_position_embeddings: 8192,
  norm_eps: 1e-5,
  num_attention_heads: 12,
  num_hidden_layers: 22,
  pad_token_id: 50283,
  position_embedding_type: "absolute",
  sep_token_id: 50282,
  tie_word_embeddings: true,
  torch_dtype: "float32",
  vocab_size: 50368,
};

function messageOf(json: unknown): string {
  try {
    parseConfig(json);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error("expected a ConfigError, got a config");
}

describe("parseConfig", () => {
  it("reads the published base config as the preset", () => {
    expect(parseConfig(published)).toEqual(presets.base);
  });

  it("reads both generations of one model alike", () => {
    const [v4, v5] = [readConfigJson("masked_lm", "config.v4.json"), readConfigJson("masked_lm")];
    expect(parseConfig(v4)).toEqual(parseConfig(v5));
    expect(parseConfig(v4).rope).toEqual({
      global: { type: "default", theta: 20000 },
      local: { type: "default", theta: 500 },
    });
  });

  it("makes every third layer global, from the first on", () => {
    const { layers, window } = presets.large;
    expect(layers.flatMap((kind, layer) => (kind === "global" ? [layer] : []))).toEqual([
      0, 3, 6, 9, 12, 15, 18, 21, 24, 27,
    ]);
    expect(window).toBe(64);
  });

  it("takes theta of local layers from the global ones where it is null", () => {
    expect(createConfig({ local_rope_theta: null, global_rope_theta: 5000 }).rope.local.theta).toBe(5000);
  });

  it("applies rope_scaling of transformers 4 to both kinds", () => {
    const { rope } = createConfig({ rope_scaling: { type: "linear", factor: 4 } });
    expect(rope.global).toEqual({ type: "linear", theta: 160_000, factor: 4 });
    expect(rope.local).toEqual({ type: "linear", theta: 10_000, factor: 4 });
  });

  it("reads half the window from sliding_window, which may stand beside the whole", () => {
    expect(createConfig({ sliding_window: 2 }).window).toBe(2);
    expect(createConfig({ sliding_window: 0 }).window).toBe(0);
    expect(createConfig({ sliding_window: 4, local_attention: 9 }).window).toBe(4);
    expect(createConfig({ sliding_window: null, local_attention: 8 }).window).toBe(4);
  });

  it("reads class names, their number, and two nameless ones by default", () => {
    expect(createConfig({ id2label: { "1": "spam", "0": "ham" } }).labels).toEqual(["ham", "spam"]);
    expect(createConfig({ num_labels: 3 }).labels).toHaveLength(3);
    expect(createConfig({}).labels).toHaveLength(2);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ model_type: "bert" }, 'expected model_type to be "modernbert" (no other model is implemented), got "bert"'],
    [{ model_type: "modernbert-decoder" }, "model_type"],
    [{ hidden_size: 770 }, "hidden_size"],
    [{ hidden_size: 36, num_attention_heads: 12 }, "even multiple"],
    [{ hidden_size: 0 }, "hidden_size"],
    [{ hidden_size: null }, "hidden_size"],
    [{ vocab_size: -1 }, "vocab_size"],
    [{ vocab_size: 1.5 }, "vocab_size"],
    [{ vocab_size: "50368" }, "vocab_size"],
    [{ num_hidden_layers: 1e9 }, "num_hidden_layers"],
    [{ num_hidden_layers: 2, layer_types: ["full_attention"] }, "layer_types"],
    [{ num_hidden_layers: 1, layer_types: ["causal"] }, "layer_types[0]"],
    [{ local_attention: 8, sliding_window: 2 }, "sliding_window to be 4 (half of local_attention) or absent, got 2"],
    [{ local_attention: 8, sliding_window: 8 }, "sliding_window"],
    [{ sliding_window: -1 }, "sliding_window"],
    [{ sliding_window: 2 ** 30 }, "sliding_window"],
    [{ hidden_activation: "mish" }, "hidden_activation to be one of gelu"],
    [{ hidden_activation: "constructor" }, "hidden_activation"],
    [{ classifier_pooling: "max" }, "classifier_pooling to be one of cls, mean"],
    [{ problem_type: "ranking" }, "problem_type"],
    [{ norm_eps: 0 }, "norm_eps"],
    [{ norm_eps: Number.NaN }, "norm_eps"],
    [{ mlp_dropout: 1 }, "mlp_dropout"],
    [{ attention_bias: "yes" }, "attention_bias"],
    [{ pad_token_id: 50368 }, "pad_token_id"],
    [{ id2label: { "1": "a" } }, 'id2label["0"]'],
    [{ id2label: {} }, "id2label"],
    [{ num_labels: 3, id2label: { "0": "a" } }, "num_labels"],
    [{ rope_parameters: { rope_theta: 1 } }, "rope_parameters"],
    [{ rope_parameters: { full_attention: 3 } }, "rope_parameters.full_attention"],
    [{ rope_parameters: { full_attention: { rope_type: "llama3" } } }, '"llama3"'],
    [{ rope_parameters: { full_attention: { rope_type: "linear" } } }, "rope_parameters.full_attention.factor"],
    [{ rope_scaling: { rope_type: "dynamic", factor: 2 } }, '"dynamic"'],
    [{ rope_parameters: { full_attention: { partial_rotary_factor: 0.5 } } }, "partial_rotary_factor"],
  ])("refuses %j", (fields, part) => {
    const message = messageOf({ ...published, ...fields });
    expect(message).toContain(part);
    expect(message).toMatch(/^\[config\] expected .*, got [^\n]*$/);
  });

  it.each([null, 3, "modernbert", [], {}])("refuses %j as a whole", (json) => {
    expect(messageOf(json)).toMatch(/^\[config\] expected/);
  });
});

describe("configToJSON", () => {
  const forms: readonly ConfigForm[] = ["v4", "v5", "both"];

  it("gives every fixture's config back in each form that can hold it", () => {
    const skipped: string[] = [];
    for (const name of readdirSync(fixtureFolder("."))) {
      const config = parseConfig(readConfigJson(name));
      for (const form of forms) {
        const unable = form === "v4" && ["layer_pattern", "rope_linear"].includes(name);
        if (unable) {
          skipped.push(name);
          expect(() => configToJSON(config, { form })).toThrow(ConfigError);
        } else {
          expect(parseConfig(JSON.parse(JSON.stringify(configToJSON(config, { form }))))).toEqual(config);
        }
      }
    }
    expect(skipped).toEqual(["layer_pattern", "rope_linear"]);
  });

  it("writes keys of both generations by default", () => {
    const json = configToJSON(presets.base);
    expect(json).toMatchObject({ global_attn_every_n_layers: 3 });
    expect(json).toHaveProperty("layer_types");
    expect(json).toHaveProperty("rope_parameters.sliding_attention.rope_theta", 10_000);
  });

  it("writes whole floats as floats, which transformers 5 insists on", () => {
    const text = stringifyConfig(configToJSON({ ...presets.base, labels: ['norm_eps": 1'] }), floatFields);
    for (const line of [
      '"initializer_cutoff_factor": 2.0,',
      '"mlp_dropout": 0.0,',
      '"rope_theta": 10000.0',
      '"hidden_size": 768,',
    ]) {
      expect(text).toContain(line);
    }
    expect(parseConfig(JSON.parse(text)).labels).toEqual(['norm_eps": 1']);
  });

  it("keeps YaRN, windows and dropout", () => {
    const rope = {
      rope_type: "yarn",
      factor: 4,
      original_max_position_embeddings: 2048,
      mscale: 0.7,
      mscale_all_dim: 2,
    };
    const config = createConfig({
      rope_parameters: { full_attention: rope },
      local_attention: 1,
      attn_out_dropout_prob: 0.1,
      mlp_dropout: 0.25,
    });
    expect(parseConfig(configToJSON(config))).toEqual(config);
  });
});

describe("hostile configs", () => {
  const keys = Object.keys({
    ...published,
    layer_types: 0,
    rope_parameters: 0,
    rope_scaling: 0,
    sliding_window: 0,
    id2label: 0,
    num_labels: 0,
  });
  const anything = fc.oneof(
    fc.anything({ maxDepth: 3 }),
    fc.integer(),
    fc.double(),
    fc.constantFrom("full_attention", "__proto__", "modernbert", "gelu", null, 2 ** 53, -1, 0, 1e308),
    fc.array(fc.constantFrom("full_attention", "sliding_attention", 1, null)),
    fc.dictionary(
      fc.constantFrom("full_attention", "rope_type", "type", "factor", "rope_theta", "0", "1"),
      fc.anything(),
    ),
  );
  const heads: readonly Head[] = ["none", "masked-lm", "sequence-classification", "question-answering"];

  it("give a config that can be counted, or a ConfigError of one line", () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), anything, { maxKeys: 4 }), (fields) => {
        try {
          const config = createConfig({ num_hidden_layers: 2, ...fields });
          for (const head of heads) expect(countParameters(config, head)).toBeGreaterThan(0);
          expect(parseConfig(configToJSON(config))).toEqual(config);
          accepted++;
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          expect(error.message).not.toContain("\n");
          expect(error.message.length).toBeLessThan(400);
        }
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(20);
  });
});
