/** `POST /question-answering`: what transformers' pipeline of that name (and Hugging Face's inference API) takes and gives. */
import { z } from "zod";
import { readText } from "../../inputs/read-inputs.ts";
import * as fields from "../fields.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";
import { given, requireHeadOf, runOn } from "./run-on.ts";

const question = z.object({ question: z.string(), context: z.string() });
const answered = z.strictObject({ score: z.number(), start: z.int(), end: z.int(), answer: z.string() });

export const questionAnswering: Route = route({
  paths: ["/question-answering"],
  summary:
    "The best answer to a question in its context; with `top_k` above 1 a list. `start` and `end` count UTF-16 units.",
  dialect: "own",
  body: z.object({
    inputs: question,
    model: fields.model,
    parameters: z
      .strictObject({
        top_k: z.int().min(1).max(100).nullish(),
        doc_stride: z.int().min(1).nullish(),
        max_answer_len: z.int().min(1).nullish(),
        max_seq_len: z.int().min(1).nullish(),
        handle_impossible_answer: z.boolean().nullish(),
        align_to_words: z.boolean().nullish(),
      })
      .nullish(),
  }),
  answer: z.union([answered, z.array(answered)]),
  example: { inputs: { question: "Where does Angela live?", context: "Angela lives in Berlin." } },
  async handle({ inputs, parameters }, asked) {
    requireHeadOf(asked, "question-answering", "question answering");
    for (const name of ["question", "context"] as const) readText(inputs[name], name, { field: `inputs.${name}` });
    const options = given({
      topK: parameters?.top_k,
      docStride: parameters?.doc_stride,
      maxAnswerLength: parameters?.max_answer_len,
      maxSeqLength: parameters?.max_seq_len,
      handleImpossibleAnswer: parameters?.handle_impossible_answer,
      alignToWords: parameters?.align_to_words,
    });
    const { json, costs } = await runOn({ name: "question-answering", options: {} }, inputs, options, asked);
    const best = JSON.parse(json) as readonly unknown[];
    const several = (parameters?.top_k ?? 1) > 1;
    return { json: JSON.stringify(several ? best : best[0]), ...(costs && { costs }) };
  },
});
