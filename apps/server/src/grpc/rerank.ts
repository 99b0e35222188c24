/** The service `tei.v1.Rerank`: what `/rerank` answers; of a stream each message is a query with one text. */
import { ServeError } from "../errors.ts";
import type { Asked } from "../http/route.ts";
import { checkBatchSize, readText } from "../inputs/read-inputs.ts";
import type { Costs } from "../costs.ts";
import { requireReranker } from "../model/kind.ts";
import { rankTexts } from "../rank-texts.ts";
import { metadataOf } from "./metadata.ts";
import { unary, whole } from "./method.ts";
import type { Bind, Handle } from "./method.ts";
import { truncationOf } from "./truncation.ts";
import type { TruncationMessage } from "./truncation.ts";

interface RankMessage extends TruncationMessage {
  readonly query: string;
  readonly raw_scores: boolean;
  readonly return_text: boolean;
}

/** Messages of a stream, which is ranked as a whole. */
const mostMessages = 2048;

const rerank: Handle<RankMessage & { readonly texts: readonly string[] }, object> = async (message, asked) => {
  const { service, signal } = asked;
  const started = performance.now();
  const { query, texts, raw_scores: rawScores, return_text: returnText } = message;
  if (texts.length === 0) throw new ServeError("Empty", "`texts` cannot be empty");
  requireReranker(service.files);
  checkBatchSize(texts.length, service.options.maxClientBatchSize);
  for (const text of [query, ...texts]) readText(text, "texts", { field: "texts" });
  const settings = { ...truncationOf(message), rawScores };
  const { ranks, costs } = await rankTexts(service, { query, texts }, settings, signal);
  const named = ranks.map(({ index, score }) => ({ index, score, ...(returnText && { text: texts[index]! }) }));
  return { ranks: named, metadata: metadataOf(costs, started) };
};

interface Scored {
  readonly text: string;
  readonly score: number;
  readonly costs: Costs;
}

type PairMessage = RankMessage & { readonly text: string };

async function scoreOf(message: PairMessage, { service, signal }: Asked, first: PairMessage): Promise<Scored> {
  const { query, text } = message;
  requireReranker(service.files);
  for (const each of [query, text]) readText(each, "text", { field: "text" });
  const settings = { ...truncationOf(message), rawScores: first.raw_scores };
  const { ranks, costs } = await rankTexts(service, { query, texts: [text] }, settings, signal);
  return { text, score: ranks[0]!.score, costs };
}

/** Times are means, as of a request with many texts. */
function rankAll(scored: readonly Scored[], { return_text: returnText }: PairMessage): object {
  const sum = (part: keyof Costs): number => scored.reduce((total, { costs }) => total + costs[part], 0);
  const ranks = scored
    .map(({ text, score }, index) => ({ index, score, ...(returnText && { text }) }))
    .toSorted((a, b) => b.score - a.score || a.index - b.index);
  const mean = (part: keyof Costs): number => sum(part) / scored.length;
  const costs = {
    characters: sum("characters"),
    tokens: sum("tokens"),
    tokenization: mean("tokenization"),
    queue: mean("queue"),
    inference: mean("inference"),
  };
  return { ranks, metadata: metadataOf(costs, performance.now() - Math.max(...scored.map(timeOf))) };
}

const timeOf = ({ costs: { tokenization, queue, inference } }: Scored): number => tokenization + queue + inference;

export const rerankMethods: Readonly<Record<string, Bind>> = {
  Rerank: unary(rerank, "batch"),
  RerankStream: whole(scoreOf, rankAll, mostMessages),
};
