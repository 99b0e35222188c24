/** What BERT says of its models to the code that all architectures share. */
import type { EncoderKind } from "@modernbert-ts/encoder";
import type { BertConfig } from "./config/config.ts";
import { configToJSON, floatFields } from "./config/config-json.ts";
import { parseConfig } from "./config/parse-config.ts";
import { names, parameterSpecs } from "./parameters.ts";

/** Checkpoints of the bare encoder lack the prefix `bert.`. */
const bareName = (name: string): string => name.replace(/^bert\./, "");

/** Norms of checkpoints that came from TensorFlow are called gamma and beta. */
const legacyName = (name: string): string =>
  name.replace(/LayerNorm\.weight$/, "LayerNorm.gamma").replace(/LayerNorm\.bias$/, "LayerNorm.beta");

function storedNames(name: string): string[] {
  const current = [name, bareName(name)];
  const decoderBias = name === "cls.predictions.bias" ? ["cls.predictions.decoder.bias"] : [];
  return [...new Set([...current, ...current.map(legacyName), ...decoderBias])];
}

export const bertKind: EncoderKind<BertConfig> = {
  modelType: "bert",
  className: "Bert",
  names,
  parseConfig,
  configToJSON,
  floatFields,
  info: (config, head) => ({
    modelType: "bert",
    vocabSize: config.vocabSize,
    typeVocabSize: config.typeVocabSize,
    numLayers: config.numLayers,
    numHeads: config.numHeads,
    intermediateSize: config.intermediateSize,
    hiddenSize: config.hiddenSize,
    maxLength: config.maxPositionEmbeddings,
    head,
    labels: config.labels,
    problemType: config.problemType,
    classifierPooling: config.classifierPooling,
    tokens: { bos: null, cls: null, eos: null, sep: null, pad: config.padTokenId },
  }),
  layers({ numLayers, hiddenSize: d, intermediateSize: i, numHeads }) {
    // q, k and v, attention, the norm between, what goes into the layer, the feed-forward part before its activation; both sums of the residual stream; statistics.
    const held = { compute: 6 * d + i, f32: 2 * d + numHeads + 4 };
    return Array.from({ length: numLayers }, () => ({ window: null, held }));
  },
  describe: ({ numLayers, hiddenSize, numHeads, intermediateSize, hiddenActivation, ...config }) => [
    ["layers", String(numLayers)],
    ["width", `${hiddenSize}, in ${numHeads} heads of ${hiddenSize / numHeads}`],
    ["feed-forward", `${intermediateSize}, ${hiddenActivation}`],
    ["positions", "learned"],
    ["token types", String(config.typeVocabSize)],
  ],
  parameters: parameterSpecs,
  storedNames,
  bareName,
  /** As google-research/bert initialises: N(0, s²) cut at two deviations, norms 1, biases 0. */
  initial({ initializerRange }, _head, _name, { role }) {
    if (role === "norm") return { kind: "constant", value: 1 };
    if (role === "bias" || role === "decoder-bias") return { kind: "constant", value: 0 };
    return { kind: "truncated-normal", std: initializerRange, cutoff: 2 };
  },
};
