/** BERT's pretraining (arXiv 1810.04805 §3.1): masked tokens and the next sentence at once; the loss is the sum of both. */
import { add } from "@modernbert-ts/tensor-core";
import { readOnce } from "../read-once.ts";
import type { HeadDefinition } from "./definition.ts";
import { tokenLabels, wholeLabels } from "./input-labels.ts";
import { maskedLmHead, maskedLmLoss, paddedLogits } from "./masked-lm.ts";
import { nextSentenceLogits, nextSentenceLoss, nextSentenceParameters } from "./next-sentence.ts";

export const pretrainingHead: HeadDefinition = {
  classSuffix: "ForPreTraining",
  labelNames: ["labels", "next_sentence_label"],
  parameters: (config, names) => [...maskedLmHead.parameters(config, names), ...nextSentenceParameters(config, names)],
  plan(model, inputs) {
    const [rows, columns] = inputs.unpadded.shape;
    const labels = tokenLabels(inputs, model.head);
    const next = wholeLabels(inputs, model.head, "next_sentence_label", [rows]);
    return {
      outputs: [
        {
          name: "prediction_logits",
          shape: [rows, columns, model.info.vocabSize],
          read: (hidden) => paddedLogits(model, hidden, inputs),
        },
        {
          name: "seq_relationship_logits",
          shape: [rows, 2],
          read: (hidden, batch) => readOnce(model.runtime, () => nextSentenceLogits(model, hidden, batch)),
        },
      ],
      loss:
        labels &&
        next &&
        ((hidden, batch) =>
          add(
            maskedLmLoss(model, hidden, labels).loss,
            nextSentenceLoss(nextSentenceLogits(model, hidden, batch), next).loss,
          )),
    };
  },
};
