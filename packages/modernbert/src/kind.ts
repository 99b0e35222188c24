/** What ModernBERT says of its models to the code that all architectures share. */
import type { EncoderKind } from "@modernbert-ts/encoder";
import { headSize } from "./config/config.ts";
import type { ModernBertConfig } from "./config/config.ts";
import { configToJSON, floatFields } from "./config/config-json.ts";
import { parseConfig } from "./config/parse-config.ts";
import { initialValues } from "./initialise.ts";
import { names, parameterSpecs } from "./parameters.ts";

/** Checkpoints of the bare encoder lack the prefix `model.`. */
const bareName = (name: string): string => name.replace(/^model\./, "");

const theta = (value: number): string => value.toLocaleString("en-US");

function describe(config: ModernBertConfig): (readonly [string, string])[] {
  const count = (kind: "global" | "local"): number => config.layers.filter((layer) => layer === kind).length;
  const { global, local } = config.rope;
  return [
    [
      "layers",
      `${config.layers.length}: ${count("global")} global, ${count("local")} local (±${config.window} tokens)`,
    ],
    ["width", `${config.hiddenSize}, in ${config.numHeads} heads of ${headSize(config)}`],
    ["feed-forward", `${config.intermediateSize}, gated ${config.hiddenActivation}`],
    ["rope", `theta ${theta(global.theta)} global (${global.type}), ${theta(local.theta)} local (${local.type})`],
  ];
}

export const modernbertKind: EncoderKind<ModernBertConfig> = {
  modelType: "modernbert",
  className: "ModernBert",
  names: () => names,
  parseConfig,
  configToJSON,
  floatFields,
  info: (config, head) => ({
    modelType: "modernbert",
    vocabSize: config.vocabSize,
    typeVocabSize: 0,
    numLayers: config.layers.length,
    numHeads: config.numHeads,
    intermediateSize: config.intermediateSize,
    hiddenSize: config.hiddenSize,
    maxLength: config.maxPositionEmbeddings,
    head,
    labels: config.labels,
    problemType: config.problemType,
    classifierPooling: config.classifierPooling,
    tokens: config.tokens,
  }),
  layers({ layers, window, hiddenSize: d, intermediateSize: i, numHeads }) {
    // Normed input, q, k and v, attention, normed input again, both halves of the gated unit; two states of the residual stream; statistics.
    const held = { compute: 6 * d + 2 * i, f32: 2 * d + numHeads + 4 };
    return layers.map((layer) => ({ window: layer === "local" ? window : null, held }));
  },
  describe,
  parameters: parameterSpecs,
  storedNames: (name) => [...new Set([name, bareName(name)])],
  bareName,
  initial: (config, head, _name, spec) => initialValues(config, head, spec, "huggingface"),
};
