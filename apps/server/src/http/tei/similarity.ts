/** `POST /similarity`: how like a sentence others are, by the cosine of their vectors. */
import { z } from "zod";
import { embedInputs } from "../../embed-inputs.ts";
import { checkBatchSize, empty, readText } from "../../inputs/read-inputs.ts";
import * as fields from "../fields.ts";
import { answer, route } from "../route.ts";
import type { Route } from "../route.ts";

export const similarity: Route = route({
  paths: ["/similarity"],
  summary: "The cosine of a sentence's vector to those of others.",
  dialect: "tei",
  body: z.object({
    inputs: z.object({ source_sentence: z.string(), sentences: z.array(z.string()) }),
    parameters: z.object({ ...fields.truncation, prompt_name: fields.promptName }).nullish(),
  }),
  answer: z.array(z.number()),
  example: {
    inputs: { source_sentence: "What is Deep Learning?", sentences: ["What is Machine Learning?", "A cat."] },
  },
  async handle({ inputs: { source_sentence, sentences }, parameters }, { service, signal }) {
    if (sentences.length === 0) throw empty({ field: "inputs.sentences" });
    checkBatchSize(sentences.length + 1, service.options.maxClientBatchSize);
    const texts = [source_sentence, ...sentences].map((text) => readText(text, "inputs", { field: "inputs" }));
    const settings = {
      truncate: parameters?.truncate,
      side: fields.sideOf(parameters?.truncation_direction ?? "Right"),
      promptName: parameters?.prompt_name,
      normalize: true,
    };
    const { vectors, costs } = await embedInputs(service, texts, settings, signal);
    const [source, ...others] = vectors as [Float32Array, ...Float32Array[]];
    return answer(
      others.map((vector) => Math.fround(vector.reduce((sum, value, index) => sum + value * source[index]!, 0))),
      costs,
    );
  },
});
