/** All tasks, under the names by which queues and routes know them. A new task is a file beside this one and a line here. */
export { classifyTask as classify } from "./classify.ts";
export { decideTask as decide } from "./decide.ts";
export { embedTask as embed } from "./embed.ts";
export { embedChunksTask as "embed-chunks" } from "./embed-chunks.ts";
export { embedMultiTask as "embed-multi" } from "./embed-multi.ts";
export { embedSparseTask as "embed-sparse" } from "./embed-sparse.ts";
export { embedTokensTask as "embed-tokens" } from "./embed-tokens.ts";
export { fillMaskTask as "fill-mask" } from "./fill-mask.ts";
export { pseudoLogLikelihoodTask as "pseudo-log-likelihood" } from "./pseudo-log-likelihood.ts";
export { rerankTask as rerank } from "./rerank.ts";
export { questionAnsweringTask as "question-answering" } from "./question-answering.ts";
export { tokenClassificationTask as "token-classification" } from "./token-classification.ts";
export { zeroShotTask as "zero-shot" } from "./zero-shot.ts";
