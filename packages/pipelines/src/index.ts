/** A model folder or hub id, its tokenizer and a backend as one object, and what people ask of it. Node only. */
export { resolveModelFolder, ModelNotFoundError } from "./model-folder.ts";
export type { ModelFolderOptions } from "./model-folder.ts";
export { openModel, openRuntime } from "./model.ts";
export type { ModelOptions, OpenModel, OpenRuntime, RuntimeOptions } from "./model.ts";
export { openPipeline } from "./pipeline.ts";
export type { Pipeline, PipelineOptions } from "./pipeline.ts";
export { openTokenizer } from "./tokenizer.ts";
export { embed, embedSequences, normalize } from "./embed.ts";
export type { EmbedOptions } from "./embed.ts";
export { describePredictions, fillMask, fillMaskSequences } from "./fill-mask.ts";
export type { FillMaskOptions, MaskPrediction } from "./fill-mask.ts";
export { classify } from "./classify.ts";
export type { LabelScore } from "./classify.ts";
export type { Ranked } from "./ranking.ts";
export type { EncodeOptions } from "./sequences.ts";
