/** A model folder or hub id, its tokenizer and a backend as one object, and what people ask of it. Node only; pages take `/browser`. */
export * from "./browser.ts";
export { architectures } from "./architectures.ts";
export { downloadDataset } from "./hub/dataset.ts";
export type { DatasetRequest } from "./hub/dataset.ts";
export { downloadFile } from "./hub/web-file.ts";
export { resolveModelFolder } from "./hub/model-folder.ts";
export type { ModelFolderOptions } from "./hub/model-folder.ts";
export { openFolder, snapshotCommit } from "./hub/snapshot.ts";
export { LazyPipeline } from "./lazy-pipeline.ts";
export { quantizeFolder, storedFormats } from "./quantize-folder.ts";
export type { QuantizeOptions, StoredFormat } from "./quantize-folder.ts";
export { checkConfig, openModel, openRuntime, weightsFor } from "./model.ts";
export type { ModelOptions, OpenModel, OpenRuntime, RuntimeOptions } from "./model.ts";
export { eachOnce, noticeUnfused } from "./notices.ts";
export { openPipeline } from "./pipeline.ts";
export type { Pipeline, PipelineOptions } from "./pipeline.ts";
export { openTokenizerFile } from "./open-tokenizer.ts";
export { pipeline } from "./transformers/pipeline.ts";
export type { PipelineTask, TaskPipeline } from "./transformers/pipeline.ts";
export type { DataType, Device, LoadingOptions, PipelineProgress } from "./transformers/options.ts";
export type { FeatureTensor, FeatureType, Nested } from "./transformers/tensor.ts";
export type {
  FeatureExtraction,
  FillMask,
  MaskOptions,
  QuestionAnswering,
  QuestionOptions,
  TextClassification,
  TokenClassification,
  TokenOptions,
  ZeroShotClassification,
} from "./transformers/tasks.ts";
export type { FeatureOptions } from "./transformers/features.ts";
