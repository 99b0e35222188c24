/** `POST /predict`: the classes of texts and of pairs of texts. */
import type { TextPair } from "@modernbert-ts/pipelines";
import { z } from "zod";
import { classifyInputs } from "../../classify-inputs.ts";
import { checkBatchSize, mistyped, readText } from "../../inputs/read-inputs.ts";
import * as fields from "../fields.ts";
import { answer, route } from "../route.ts";
import type { Route } from "../route.ts";

const text = { type: "string" };
const sequence = { type: "array", items: text, minItems: 1, maxItems: 2 };
const prediction = z.strictObject({ score: z.number(), label: z.string() });

export const predict: Route = route({
  paths: ["/predict"],
  summary: "All classes of a text or a pair of texts, best first; of a batch a list of these.",
  dialect: "tei",
  body: z.object({
    inputs: z.unknown().meta({
      description: "A text; two texts, which are a pair; or a list of lists of one or two texts.",
      anyOf: [text, sequence, { type: "array", items: sequence, minItems: 1 }],
    }),
    ...fields.truncation,
    raw_scores: z.boolean().default(false).meta({ description: "Logits in the place of probabilities." }),
  }),
  answer: z.union([z.array(prediction), z.array(z.array(prediction))]),
  example: { inputs: [["I like you."], ["A man eats.", "Somebody eats."]] },
  async handle({ inputs, raw_scores, truncate, truncation_direction }, { service, signal }) {
    const { items, single } = readItems(inputs);
    checkBatchSize(items.length, service.options.maxClientBatchSize);
    const settings = { truncate, side: fields.sideOf(truncation_direction), rawScores: raw_scores };
    const { results, costs } = await classifyInputs(service, items, settings, signal);
    return answer(single ? results[0] : results, costs);
  },
});

const expected = "a text, a pair [text, text] or a batch [[text], [text, text], …]";

function readItems(inputs: unknown): { readonly items: (string | TextPair)[]; readonly single: boolean } {
  const nested = Array.isArray(inputs) && Array.isArray(inputs[0]);
  const items = nested
    ? (inputs as unknown[]).map(readItem)
    : [readItem(typeof inputs === "string" ? [inputs] : inputs)];
  return { items, single: !nested };
}

function readItem(value: unknown): string | TextPair {
  if (!Array.isArray(value) || value.length < 1 || value.length > 2) throw mistyped("inputs", expected, value);
  const [first, second] = value.map((part: unknown) => {
    if (typeof part !== "string") throw mistyped("inputs", expected, part);
    return readText(part, "inputs", { field: "inputs" });
  });
  return second === undefined ? first! : [first!, second];
}
