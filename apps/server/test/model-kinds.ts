/** A small model of each kind that the server knows. */
import { colbertFiles, makeModularReranker, makeTinyModel, spladeModules, withFiles } from "./tiny-model.ts";

/** By the names that requests call them. */
export const kinds = {
  embedder: () => makeTinyModel(),
  ranker: () => makeTinyModel("sequence-classification", ["score"]),
  modular: () => makeModularReranker(),
  judge: () => makeTinyModel("sequence-classification", ["entailment", "neutral", "contradiction"]),
  tagger: () => makeTinyModel("token-classification", ["O", "B-PER", "I-PER"]),
  answerer: () => makeTinyModel("question-answering"),
  decider: () => makeTinyModel("decision"),
  splade: () => withFiles(makeTinyModel(), { "modules.json": spladeModules }),
  colbert: () => withFiles(makeTinyModel(), colbertFiles),
};
