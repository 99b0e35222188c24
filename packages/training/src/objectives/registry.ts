/** All objectives. An objective is a folder here and a line in this table. */
import { colbertObjective } from "./colbert/objective.ts";
import { embeddingsObjective } from "./embeddings/objective.ts";
import { maskedLmObjective } from "./masked-lm/objective.ts";
import { multipleChoiceObjective } from "./multiple-choice/objective.ts";
import { nextSentenceObjective } from "./next-sentence/objective.ts";
import { questionAnsweringObjective } from "./question-answering/objective.ts";
import { randomTokenDetectionObjective } from "./random-token-detection/objective.ts";
import { replacedTokenDetectionObjective } from "./replaced-token-detection/objective.ts";
import { rerankingObjective } from "./reranking/objective.ts";
import { sequenceClassificationObjective } from "./sequence-classification/objective.ts";
import { spladeObjective } from "./splade/objective.ts";
import { tokenClassificationObjective } from "./token-classification/objective.ts";
import type { Objective } from "./objective.ts";

export const objectives: readonly Objective[] = [
  maskedLmObjective,
  nextSentenceObjective,
  randomTokenDetectionObjective,
  replacedTokenDetectionObjective,
  sequenceClassificationObjective,
  tokenClassificationObjective,
  questionAnsweringObjective,
  multipleChoiceObjective,
  embeddingsObjective,
  colbertObjective,
  spladeObjective,
  rerankingObjective,
];

/** undefined where there is none of that name. */
export function objectiveOf(name: string): Objective | undefined {
  return objectives.find((objective) => objective.name === name);
}
