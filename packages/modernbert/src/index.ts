/** ModernBERT: config, parameters, packed forward pass, heads and losses, initialisation, Hugging Face folders. Folders on disk are under `/node`. */
export { headSize } from "./config/config.ts";
export type {
  DropoutRates,
  Head,
  LayerKind,
  ModernBertConfig,
  Pooling,
  ProblemType,
  RopeSettings,
  SpecialTokenIds,
} from "./config/config.ts";
export { parseConfig } from "./config/parse-config.ts";
export { architectures, configToJSON, stringifyConfig } from "./config/config-json.ts";
export type { ConfigForm, ConfigJsonOptions } from "./config/config-json.ts";
export { createConfig, presets } from "./config/presets.ts";
export { BatchError, CheckpointError, ConfigError } from "./errors.ts";
export { countParameters, parameterShapes } from "./parameters.ts";
export { initialiseParameters } from "./initialise.ts";
export type { InitialisationOptions, InitialisationStyle } from "./initialise.ts";
export { packSequences, pad, unpad, unpadValues } from "./batch.ts";
export type { PackedBatch, UnpaddedBatch } from "./batch.ts";
export { loadModelFolder } from "./folder/load-model.ts";
export type { LoadedModel, LoadOptions } from "./folder/load-model.ts";
export { readFolderConfig } from "./folder/read-config.ts";
export type { FolderConfig } from "./folder/read-config.ts";
export { ModernBert } from "./model.ts";
export type { ModernBertOptions } from "./model.ts";
export { weightFormats } from "./weights.ts";
export type { Int8Matrix, WeightFormat } from "./weights.ts";
export { withWeights } from "./with-weights.ts";
export type { DropoutDraw, ForwardOptions, HiddenStates } from "./encoder.ts";
export type { Loss, LossOptions } from "./heads/loss.ts";
export { maskedLmLogits, maskedLmLoss, scoredPositions } from "./heads/masked-lm.ts";
export type { MaskedLmLoss } from "./heads/masked-lm.ts";
export { pool } from "./heads/pooling.ts";
export { sequenceClassificationLogits, sequenceClassificationLoss } from "./heads/sequence-classification.ts";
export { tokenClassificationLogits, tokenClassificationLoss } from "./heads/token-classification.ts";
export { questionAnsweringLogits, questionAnsweringLoss } from "./heads/question-answering.ts";
export type { AnswerSpans } from "./heads/question-answering.ts";
export { multipleChoiceLogits, multipleChoiceLoss } from "./heads/multiple-choice.ts";
export { tileParameters } from "./tiling.ts";
export type { HostParameters } from "./tiling.ts";
