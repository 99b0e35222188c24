/** The part without platform APIs: a model from any folder of files (a URL, files given to a page), and what people ask of it. */
export { openTextModel } from "./text-model.ts";
export type { TextModel } from "./text-model.ts";
export { readInfo } from "./folder/info.ts";
export { ModelNotFoundError } from "./errors.ts";
export { embed, embedSequences, normalize } from "./embed.ts";
export type { EmbedOptions } from "./embed.ts";
export { describePredictions, fillMask, fillMaskSequences } from "./fill-mask.ts";
export type { FillMaskOptions, MaskPrediction } from "./fill-mask.ts";
export { classify } from "./classify.ts";
export type { LabelScore } from "./classify.ts";
export type { Ranked } from "./ranking.ts";
export type { EncodeOptions } from "./sequences.ts";
