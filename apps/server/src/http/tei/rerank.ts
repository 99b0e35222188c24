/** `POST /rerank`: texts by how well they answer a query. A body with `documents` comes from a client of Jina, and gets its answer. */
import { z } from "zod";
import { checkBatchSize, empty, readText } from "../../inputs/read-inputs.ts";
import { requireReranker } from "../../model/kind.ts";
import { rankTexts } from "../../rank-texts.ts";
import { jinaRerank } from "../openai/rerank.ts";
import * as fields from "../fields.ts";
import { answer, route } from "../route.ts";
import type { Route } from "../route.ts";

const ofTei: Route = route({
  paths: ["/rerank"],
  summary: "Texts, best answers to the query first.",
  dialect: "tei",
  body: z.object({
    query: z.string(),
    texts: z.array(z.string()),
    ...fields.truncation,
    raw_scores: z.boolean().default(false).meta({ description: "Logits in the place of scores from 0 to 1." }),
    return_text: z.boolean().default(false),
  }),
  answer: z.array(z.strictObject({ index: z.int(), text: z.string().optional(), score: z.number() })),
  example: { query: "What is Deep Learning?", texts: ["Deep Learning is …", "Cheese is made of milk."] },
  async handle({ query, texts, return_text, raw_scores, truncate, truncation_direction }, { service, signal }) {
    if (texts.length === 0) throw empty({ field: "texts" });
    requireReranker(service.files);
    checkBatchSize(texts.length, service.options.maxClientBatchSize);
    for (const text of [query, ...texts]) readText(text, "texts", { field: "texts" });
    const settings = { truncate, side: fields.sideOf(truncation_direction), rawScores: raw_scores };
    const { ranks, costs } = await rankTexts(service, { query, texts }, settings, signal);
    return answer(
      ranks.map(({ index, score }) => ({ index, ...(return_text && { text: texts[index]! }), score })),
      costs,
    );
  },
});

/** Either. */
export const rerank: Route = {
  ...ofTei,
  summary: "Texts, best answers to the query first. With `documents` in the place of `texts` as /v1/rerank.",
  reply: async (body, asked) => (hasDocuments(body) ? jinaRerank : ofTei).reply(body, asked),
};

/** What TEI tells from other bodies. */
export function isRerank(body: unknown): boolean {
  return ofTei.body.safeParse(body).success;
}

function hasDocuments(body: unknown): boolean {
  return typeof body === "object" && body !== null && "documents" in body && !("texts" in body);
}
