/**
 * `/rerank` in the shapes of Cohere (v1, v2) and Jina. They share a body; `/v2/rerank` answers as Cohere's does, `/v1/rerank` as Jina's and
 * Cohere's first, which differ in fields that clients of the other do not look at.
 */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Costs } from "../../costs.ts";
import { ServeError } from "../../errors.ts";
import { checkBatchSize, empty, readText } from "../../inputs/read-inputs.ts";
import { rankTexts } from "../../rank-texts.ts";
import type { Ranks } from "../../rank-texts.ts";
import * as fields from "../fields.ts";
import { answer, route } from "../route.ts";
import type { Asked, Route } from "../route.ts";
import { clientBatchSize } from "./embeddings.ts";

const document = z.union([z.string(), z.looseObject({ text: z.string() })]);

const body = z.object({
  model: fields.model,
  query: z.string(),
  documents: z.array(document),
  top_n: z.int().min(1).nullish().meta({ description: "How many of the best; all by default." }),
  return_documents: z.boolean().nullish(),
  rank_fields: z
    .array(z.string())
    .min(1)
    .nullish()
    .meta({ description: "Fields of documents that are read, one a line; `text` by default." }),
  truncation: z.boolean().nullish().meta({ description: "Cut what is too long; by default --auto-truncate decides." }),
});

type Body = z.infer<typeof body>;

const example = {
  query: "What is Deep Learning?",
  documents: ["Deep Learning is …", { text: "Cheese is made of milk." }],
  top_n: 1,
  return_documents: true,
};

const version = z.strictObject({ version: z.string() });
const result = z.strictObject({
  index: z.int(),
  relevance_score: z.number(),
  document: z.looseObject({}).optional(),
});
const meta = z.strictObject({ api_version: version, billed_units: z.strictObject({ search_units: z.int() }) });

export const cohereRerank: Route = route({
  paths: ["/v2/rerank"],
  summary: "Cohere's rerank: documents, best answers to the query first.",
  dialect: "openai",
  body,
  answer: z.strictObject({ id: z.string(), results: z.array(result), meta }),
  example,
  async handle(asked, context) {
    const { ranks, costs } = await rank(asked, context);
    return answer({ id: randomUUID(), results: resultsOf(asked, ranks), meta: metaOf("2") }, costs);
  },
});

export const jinaRerank: Route = route({
  paths: ["/v1/rerank"],
  summary: "Jina's rerank, and the first of Cohere.",
  dialect: "openai",
  body,
  answer: z.strictObject({
    id: z.string(),
    object: z.literal("list"),
    model: z.string(),
    usage: z.strictObject({ total_tokens: z.int(), prompt_tokens: z.int() }),
    results: z.array(result),
    meta,
  }),
  example,
  async handle(asked, context) {
    const { ranks, costs } = await rank(asked, context);
    const value = {
      id: randomUUID(),
      object: "list",
      model: context.service.name,
      usage: usageOf(costs),
      results: resultsOf(asked, ranks),
      meta: metaOf("1"),
    };
    return answer(value, costs);
  },
});

async function rank(asked: Body, { service, signal }: Asked): Promise<Ranks> {
  const { query, documents, truncation, rank_fields } = asked;
  if (documents.length === 0) throw empty({ field: "documents" });
  checkBatchSize(documents.length, clientBatchSize(service.options));
  const texts = documents.map((each, index) =>
    readText(textOf(each, rank_fields, index), `documents[${index}]`, { field: "documents" }),
  );
  readText(query, "query", { field: "query" });
  return rankTexts(service, { query, texts }, { truncate: truncation }, signal);
}

/** @throws ServeError 422 for a document without such a field. */
function textOf(given: Body["documents"][number], names: readonly string[] | null | undefined, index: number): string {
  if (typeof given === "string") return given;
  const lines = (names ?? ["text"]).map((name) => {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (typeof value === "string") return value;
    throw new ServeError("Validation", `\`documents[${index}]\` should have a text in \`${name}\``);
  });
  return lines.join("\n");
}

function resultsOf({ documents, top_n, return_documents }: Body, ranks: Ranks["ranks"]): object[] {
  return ranks.slice(0, top_n ?? undefined).map(({ index, score }) => {
    const given = documents[index]!;
    const returned = typeof given === "string" ? { text: given } : given;
    return { index, relevance_score: score, ...(return_documents && { document: returned }) };
  });
}

function metaOf(number: string): z.infer<typeof meta> {
  return { api_version: { version: number }, billed_units: { search_units: 1 } };
}

function usageOf({ tokens }: Costs): object {
  return { total_tokens: tokens, prompt_tokens: tokens };
}
