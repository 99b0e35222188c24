/** All heads. A head is a file of this folder, a line here and a name in `Head`. */
import type { Head } from "../info.ts";
import type { HeadDefinition } from "./definition.ts";
import { decisionHead } from "./decision.ts";
import { maskedLmHead } from "./masked-lm.ts";
import { multipleChoiceHead } from "./multiple-choice.ts";
import { nextSentenceHead } from "./next-sentence.ts";
import { noHead } from "./none.ts";
import { pretrainingHead } from "./pretraining.ts";
import { questionAnsweringHead } from "./question-answering.ts";
import { sequenceClassificationHead } from "./sequence-classification.ts";
import { tokenClassificationHead } from "./token-classification.ts";

export const heads: Readonly<Record<Head, HeadDefinition>> = {
  none: noHead,
  "masked-lm": maskedLmHead,
  "sequence-classification": sequenceClassificationHead,
  "token-classification": tokenClassificationHead,
  "question-answering": questionAnsweringHead,
  "multiple-choice": multipleChoiceHead,
  "next-sentence": nextSentenceHead,
  pretraining: pretrainingHead,
  decision: decisionHead,
};

export const headNames = Object.keys(heads) as Head[];
