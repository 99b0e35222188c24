/** `POST /v1/systemone`: typed questions about a state, answered with probabilities, as the System One API of TypeSafe has it. */
import { z } from "zod";
import type { DecisionInput, DecisionQuestion, Json } from "@modernbert-ts/pipelines";
import { inferInputs } from "../../infer.ts";
import { checkBatchSize, empty } from "../../inputs/read-inputs.ts";
import { inputOptions } from "../../service.ts";
import * as fields from "../fields.ts";
import { answer, route } from "../route.ts";
import type { Route } from "../route.ts";
import { requireHeadOf } from "./run-on.ts";

const instructions = z.string();
const question: z.ZodType<DecisionQuestion> = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("choice"),
    instructions,
    criteria: z.union([z.array(z.string()), z.record(z.string(), z.string().nullable())]),
  }),
  z.strictObject({ type: z.literal("score"), instructions, criteria: z.array(z.string()) }),
  z.strictObject({
    type: z.literal("noul"),
    instructions,
    criteria: z.strictObject({ true: z.string().nullish(), false: z.string().nullish() }).nullish(),
  }),
]);

const numbers = z.record(z.string(), z.number());
const decision = z.union([
  z.strictObject({ type: z.literal("choice"), choice: z.string(), probabilities: numbers, confidence: z.number() }),
  z.strictObject({
    type: z.literal("score"),
    score: z.number(),
    legend: z.record(z.string(), z.string()),
    probabilities: numbers,
    confidence: z.number(),
  }),
  z.strictObject({ type: z.literal("noul"), noul: z.number() }),
]);

export const systemOne: Route = route({
  paths: ["/v1/systemone"],
  summary: "Choices, scores and statements (noul) about a state, with calibrated probabilities, by a decision model.",
  dialect: "openai",
  body: z.object({
    model: fields.model,
    state: z.json().meta({ description: "A text, or JSON, which the model reads as text." }),
    questions: z.record(z.string(), question),
    truncate: fields.truncation.truncate,
  }),
  answer: z.strictObject({
    model: z.string(),
    answers: z.record(z.string(), decision),
    usage: z.strictObject({ input_tokens: z.int(), output_tokens: z.literal(0) }),
  }),
  example: {
    state: "We were billed twice, refund it today.",
    questions: {
      team: { type: "choice", instructions: "Who handles this?", criteria: { billing: "payments", support: null } },
      urgency: { type: "score", instructions: "How urgent is it?", criteria: ["can wait", "today"] },
      refund: { type: "noul", instructions: "The customer wants money back." },
    },
  },
  async handle({ state, questions, truncate }, asked) {
    requireHeadOf(asked, "decision", "decision");
    const { service, signal } = asked;
    const all = Object.values(questions);
    if (all.length === 0) throw empty({ field: "questions" });
    checkBatchSize(all.length, service.options.maxClientBatchSize);
    const input: DecisionInput = { state: state as Json, questions };
    const options = inputOptions(service, { truncate });
    const { results, costs } = await inferInputs(service, { name: "decide", options: {} }, [input], options, signal);
    const usage = { input_tokens: costs.tokens, output_tokens: 0 };
    return answer({ model: service.name, answers: results[0], usage }, costs);
  },
});
