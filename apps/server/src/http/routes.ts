/** All routes that take a body: what is registered, and what the document shows. */
import { embeddings } from "./openai/embeddings.ts";
import { cohereRerank, jinaRerank } from "./openai/rerank.ts";
import type { Route } from "./route.ts";
import { embedChunks } from "./tasks/embed-chunks.ts";
import { embedMulti } from "./tasks/embed-multi.ts";
import { fillMask } from "./tasks/fill-mask.ts";
import { pseudoLogLikelihood } from "./tasks/pseudo-log-likelihood.ts";
import { questionAnswering } from "./tasks/question-answering.ts";
import { tokenClassification } from "./tasks/token-classification.ts";
import { zeroShot } from "./tasks/zero-shot.ts";
import { bare, vertex } from "./tei/by-model.ts";
import { embedAll } from "./tei/embed-all.ts";
import { embedSparse } from "./tei/embed-sparse.ts";
import { embed } from "./tei/embed.ts";
import { predict } from "./tei/predict.ts";
import { rerank } from "./tei/rerank.ts";
import { similarity } from "./tei/similarity.ts";
import { decode, tokenize } from "./tei/tokenize.ts";

export const routes: readonly Route[] = [
  embed,
  embedAll,
  embedSparse,
  predict,
  rerank,
  similarity,
  tokenize,
  decode,
  vertex,
  bare,
  embeddings,
  jinaRerank,
  cohereRerank,
  fillMask,
  tokenClassification,
  questionAnswering,
  zeroShot,
  pseudoLogLikelihood,
  embedMulti,
  embedChunks,
];
