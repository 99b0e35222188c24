/** `modernbert rerank`: texts by how well they answer a query. */
import { Option } from "commander";
import type { Command } from "commander";
import { rerank } from "@modernbert-ts/pipelines";
import type { RankedText, RerankInput } from "@modernbert-ts/pipelines";
import type { InputRecord } from "../inputs/input-record.ts";
import { positiveInteger } from "../options.ts";
import type { Streams } from "../streams.ts";
import { taskCommand } from "../task-command.ts";
import type { Named, TaskOptions } from "../task-command.ts";
import { table } from "../text.ts";

interface RerankOptions extends TaskOptions {
  readonly query?: string;
  readonly topN?: number;
  readonly rawScores?: boolean;
}

export function rerankCommand(streams: Streams): Command {
  return taskCommand<RerankOptions, RerankInput, readonly RankedText[]>(streams, {
    name: "rerank",
    summary: "texts by how well they answer a query",
    description:
      "With --query all texts of the input are ranked for it. Without, the input is records with query and texts, each a ranking of its own.",
    options: [
      new Option("--query <text>", "what the texts should answer"),
      new Option("--top-n <n>", "how many of the best (default: all)").argParser(positiveInteger),
      new Option("--raw-scores", "logits, not what the model's activation makes of them"),
    ],
    head: "sequence-classification",
    atOnce: 64,
    recordsOnly: ({ query }) => query === undefined,
    input: (record) => ({ query: record.text("query"), texts: record.texts("texts") }),
    gather: (blocks, { query }) => (query === undefined ? undefined : oneRanking(blocks, query)),
    async answer(pipeline, inputs, { topN, rawScores = false }, { truncate, nameOf }) {
      const options = { truncate, rawScores, returnTexts: true, ...(topN && { topN }) };
      const rankings: (readonly RankedText[])[] = [];
      for (const [at, { query, texts }] of inputs.entries())
        rankings.push(await rerank(pipeline, query, texts, { ...options, nameOf: () => nameOf(at) }));
      return rankings;
    },
    show: (ranking) =>
      table(
        ranking.map(({ index, score, text }) => [score.toFixed(4), String(index), text!]),
        ["right", "right", "left"],
      ),
  });
}

async function* oneRanking(
  blocks: AsyncIterable<readonly InputRecord[]>,
  query: string,
): AsyncGenerator<readonly Named<RerankInput>[]> {
  const texts: string[] = [];
  for await (const block of blocks) for (const record of block) texts.push(record.text("text"));
  if (texts.length > 0) yield [{ name: "the input", input: { query, texts } }];
}
