/** What encoders share: packed batches, weights, heads, losses, pooling and Hugging Face folders. Folders on disk are under `/node`. */
export type { Architecture, CreateOptions } from "./architecture.ts";
export { bucketOf, padToBucket } from "./batch/bucket.ts";
export type { Bucket } from "./batch/bucket.ts";
export { disposeBatch } from "./batch/device-batch.ts";
export type { DeviceBatch } from "./batch/device-batch.ts";
export { packSequences } from "./batch/packed-batch.ts";
export { idsOf, partOf } from "./batch/sequence.ts";
export type { Sequence, TypedSequence } from "./batch/sequence.ts";
export type { PackedBatch } from "./batch/packed-batch.ts";
export { pad, unpad, unpadValues } from "./batch/padding.ts";
export type { UnpaddedBatch } from "./batch/padding.ts";
export { forwardFlops } from "./cost/flops.ts";
export type { Flops } from "./cost/flops.ts";
export { trainingMemory } from "./cost/training-memory.ts";
export type { TrainingMemory } from "./cost/training-memory.ts";
export { activationNames, activations } from "./config/activations.ts";
export { fail, isJsonObject, JsonFields } from "./config/json-fields.ts";
export type { JsonObject } from "./config/json-fields.ts";
export { stringifyConfig } from "./config/stringify-config.ts";
export { Encoder } from "./encoder.ts";
export type { EncoderOptions } from "./encoder.ts";
export { BatchError, CheckpointError, ConfigError, listNames, show } from "./errors.ts";
export { configText } from "./folder/config-text.ts";
export { loadModelFolder } from "./folder/load-model.ts";
export type { LoadedModel, LoadOptions } from "./folder/load-model.ts";
export { classNameOf, readFolderConfig } from "./folder/read-config.ts";
export type { FolderConfig } from "./folder/read-config.ts";
export { drop, dropoutAt } from "./forward-options.ts";
export type { DropoutDraw, ForwardOptions } from "./forward-options.ts";
export { classifierToJSON, parseClassifier } from "./heads/classifier.ts";
export { tiesDecoder } from "./config/head-config.ts";
export type { ClassifierConfig, HeadConfig, MaskedLmConfig } from "./config/head-config.ts";
export type { ForwardInputs, HeadDefinition, HeadOutput, HeadPlan, Labels } from "./heads/definition.ts";
export { uploadLabels, uploadTargets } from "./heads/labels.ts";
export type { DeviceLabels, DeviceTargets } from "./heads/labels.ts";
export { crossEntropy } from "./heads/loss.ts";
export type { Loss, LossOptions } from "./heads/loss.ts";
export {
  maskedLmLogits,
  maskedLmLoss,
  maskedLmToJSON,
  overwriteScored,
  parseMaskedLm,
  scoredPositions,
  uploadScored,
} from "./heads/masked-lm.ts";
export type { MaskedLmLoss, ScoredTokens } from "./heads/masked-lm.ts";
export { multipleChoiceLogits, multipleChoiceLoss } from "./heads/multiple-choice.ts";
export { nextSentenceLogits, nextSentenceLoss } from "./heads/next-sentence.ts";
export { planHead } from "./heads/plan.ts";
export { questionAnsweringLogits, questionAnsweringLoss, uploadSpans } from "./heads/question-answering.ts";
export type { AnswerSpans, DeviceSpans } from "./heads/question-answering.ts";
export { decisionLogits, decisionToJSON, parseDecision } from "./heads/decision.ts";
export { headNames, heads } from "./heads/registry.ts";
export { sequenceClassificationLogits, sequenceClassificationLoss } from "./heads/sequence-classification.ts";
export { tokenClassificationLogits, tokenClassificationLoss } from "./heads/token-classification.ts";
export { checkpointLayer } from "./residual-stream.ts";
export type { ResidualStream } from "./residual-stream.ts";
export type { EncoderInfo, Head, Pooling, ProblemType, SpecialTokenIds } from "./info.ts";
export { countValues } from "./kind.ts";
export type {
  EncoderKind,
  InitialValues,
  LayerCost,
  Seam,
  ParameterRole,
  ParameterSpec,
  ParameterSpecs,
  SharedNames,
} from "./kind.ts";
export { pool } from "./pooling.ts";
export { gatherTokens } from "./token-embeddings.ts";
export { readOnce } from "./read-once.ts";
export { weightFormats } from "./weights/formats.ts";
export type { QuantizedFormat, QuantizedMatrix, WeightFormat } from "./weights/formats.ts";
export { drawParameter, drawParameters } from "./weights/initialise.ts";
export type { DrawOptions } from "./weights/initialise.ts";
export { smoothedInt8 } from "./smooth-int8.ts";
export { WeightStore } from "./weights/store.ts";
export { safetensorsDType } from "./weights/stored-dtype.ts";
