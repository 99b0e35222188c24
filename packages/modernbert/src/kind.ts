/** What ModernBERT says of its models to the code that all architectures share. */
import type { EncoderKind } from "@modernbert-ts/encoder";
import type { ModernBertConfig } from "./config/config.ts";
import { configToJSON, floatFields } from "./config/config-json.ts";
import { parseConfig } from "./config/parse-config.ts";
import { initialValues } from "./initialise.ts";
import { names, parameterSpecs } from "./parameters.ts";

/** Checkpoints of the bare encoder lack the prefix `model.`. */
const bareName = (name: string): string => name.replace(/^model\./, "");

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
    hiddenSize: config.hiddenSize,
    maxLength: config.maxPositionEmbeddings,
    head,
    labels: config.labels,
    problemType: config.problemType,
    classifierPooling: config.classifierPooling,
    tokens: config.tokens,
  }),
  parameters: parameterSpecs,
  storedNames: (name) => [...new Set([name, bareName(name)])],
  bareName,
  initial: (config, head, _name, spec) => initialValues(config, head, spec, "huggingface"),
};
