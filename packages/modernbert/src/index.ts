/** ModernBERT: config, parameters, packed forward pass, initialisation, tiling. Heads, losses and folders are the encoder package's. Folders on disk are under `/node`. */
export { headSize } from "./config/config.ts";
export type { DropoutRates, LayerKind, ModernBertConfig, RopeSettings } from "./config/config.ts";
export { parseConfig } from "./config/parse-config.ts";
export { configToJSON } from "./config/config-json.ts";
export type { ConfigForm, ConfigJsonOptions } from "./config/config-json.ts";
export { createConfig, presets } from "./config/presets.ts";
export { modernbertKind } from "./kind.ts";
export { countParameters, parameterShapes } from "./parameters.ts";
export { initialiseParameters, initialValues } from "./initialise.ts";
export type { InitialisationOptions, InitialisationStyle } from "./initialise.ts";
export { loadModelFolder, readFolderConfig } from "./folder.ts";
export { ModernBert, modernbertArchitecture } from "./model.ts";
export { predictionFeatures } from "./prediction-features.ts";
export { RopeTables } from "./rope-tables.ts";
export type { RopeTable } from "./rope-tables.ts";
export type { ModernBertOptions } from "./model.ts";
export type { HiddenStates } from "./forward.ts";
export { withWeights } from "./with-weights.ts";
export { tileParameters } from "./tiling.ts";
export type { HostParameters } from "./tiling.ts";
export {
  BatchError,
  CheckpointError,
  ConfigError,
  maskedLmLogits,
  maskedLmLoss,
  multipleChoiceLogits,
  multipleChoiceLoss,
  packSequences,
  pad,
  pool,
  questionAnsweringLogits,
  questionAnsweringLoss,
  sequenceClassificationLogits,
  sequenceClassificationLoss,
  tokenClassificationLogits,
  tokenClassificationLoss,
  unpad,
  unpadValues,
} from "@modernbert-ts/encoder";
export type { Head, LoadOptions, PackedBatch, Pooling, WeightFormat } from "@modernbert-ts/encoder";
