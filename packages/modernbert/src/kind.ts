/** What ModernBERT says of its models to the code that all architectures share. */
import type { EncoderKind, Seam } from "@modernbert-ts/encoder";
import { headSize } from "./config/config.ts";
import type { ModernBertConfig } from "./config/config.ts";
import { configToJSON, floatFields } from "./config/config-json.ts";
import { parseConfig } from "./config/parse-config.ts";
import { initialValues } from "./initialise.ts";
import { names, parameterSpecs } from "./parameters.ts";

/** Checkpoints of the bare encoder lack the prefix `model.`. */
const bareName = (name: string): string => name.replace(/^model\./, "");
/** Those that put a head of their own around it have `encoder.`. */
const wrappedName = (name: string): string => name.replace(/^model\./, "encoder.");

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

/** Norms before their layers, v before its product, the gate before its. The first layer's norm is the residual stream itself. */
function seams({ layers, hiddenSize, intermediateSize }: ModernBertConfig): Seam[] {
  return layers.flatMap((_, at) => {
    const seam = (maker: string, from: number, reader: string): Seam => ({
      makers: ["weight", "bias"].map((of) => ({ name: `model.layers.${at}.${maker}.${of}`, from })),
      reader: `model.layers.${at}.${reader}`,
    });
    return [
      ...(at > 0 ? [seam("attn_norm", 0, "attn.Wqkv")] : []),
      seam("attn.Wqkv", 2 * hiddenSize, "attn.Wo"),
      seam("mlp_norm", 0, "mlp.Wi"),
      seam("mlp.Wi", intermediateSize, "mlp.Wo"),
    ];
  });
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
  storedNames: (name) => [...new Set([name, bareName(name), wrappedName(name)])],
  bareName,
  seams,
  initial: (config, head, _name, spec) => initialValues(config, head, spec, "huggingface"),
};
