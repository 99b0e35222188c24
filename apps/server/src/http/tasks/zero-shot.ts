/** `POST /zero-shot-classification`: what transformers' pipeline of that name (and Hugging Face's inference API) takes and gives. */
import { z } from "zod";
import { checkBatchSize, readTexts } from "../../inputs/read-inputs.ts";
import { requireClassifier } from "../../model/kind.ts";
import * as fields from "../fields.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";
import { given, runOn } from "./run-on.ts";

const scored = z.strictObject({ sequence: z.string(), labels: z.array(z.string()), scores: z.array(z.number()) });

export const zeroShot: Route = route({
  paths: ["/zero-shot-classification"],
  summary: "How well labels of the caller's own fit a text, by a model of entailment.",
  dialect: "own",
  body: z.object({
    inputs: fields.texts,
    model: fields.model,
    parameters: z.strictObject({
      candidate_labels: z.array(z.string()).min(1),
      hypothesis_template: z.string().nullish(),
      multi_label: z.boolean().nullish(),
    }),
  }),
  answer: z.union([scored, z.array(scored)]),
  example: { inputs: "I love this film.", parameters: { candidate_labels: ["praise", "complaint"] } },
  async handle({ inputs, parameters }, asked) {
    requireClassifier(asked.service.files);
    const { maxClientBatchSize } = asked.service.options;
    const texts = readTexts(inputs, { field: "inputs", maxClientBatchSize });
    const labels = readTexts(parameters.candidate_labels, { field: "parameters.candidate_labels", maxClientBatchSize });
    checkBatchSize(texts.length * labels.length, asked.service.options.maxConcurrentRequests);
    const options = given({
      hypothesisTemplate: parameters.hypothesis_template,
      multiLabel: parameters.multi_label,
    });
    const items = texts.map((text) => ({ text, labels }));
    return runOn({ name: "zero-shot", options: {} }, Array.isArray(inputs) ? items : items[0]!, options, asked);
  },
});
