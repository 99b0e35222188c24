/** `POST /token-classification`: what transformers' pipeline of that name (and Hugging Face's inference API) takes and gives. */
import { z } from "zod";
import { readTexts } from "../../inputs/read-inputs.ts";
import * as fields from "../fields.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";
import { given, requireHeadOf, runOn } from "./run-on.ts";

const entity = z.strictObject({
  entity: z.string().optional(),
  entity_group: z.string().optional(),
  score: z.number(),
  index: z.int().optional(),
  word: z.string(),
  start: z.int(),
  end: z.int(),
});

export const tokenClassification: Route = route({
  paths: ["/token-classification"],
  summary: "The entities of a text, or of each of a list. `start` and `end` count UTF-16 units.",
  dialect: "own",
  body: z.object({
    inputs: fields.texts,
    model: fields.model,
    parameters: z
      .strictObject({
        aggregation_strategy: z.enum(["none", "simple", "first", "average", "max"]).nullish(),
        ignore_labels: z.array(z.string()).nullish(),
        stride: z.int().min(0).nullish(),
      })
      .nullish(),
  }),
  answer: z.union([z.array(entity), z.array(z.array(entity))]),
  example: { inputs: "Angela lives in Berlin.", parameters: { aggregation_strategy: "simple" } },
  async handle({ inputs, parameters }, asked) {
    requireHeadOf(asked, "token-classification", "token classification");
    const { maxClientBatchSize } = asked.service.options;
    const texts = readTexts(inputs, { field: "inputs", maxClientBatchSize });
    const options = given({
      aggregationStrategy: parameters?.aggregation_strategy,
      ignoreLabels: parameters?.ignore_labels,
      stride: parameters?.stride,
    });
    const task = { name: "token-classification", options: {} } as const;
    return runOn(task, Array.isArray(inputs) ? texts : texts[0]!, options, asked);
  },
});
