/** `retrieval`: how well a model's vectors find the documents of a retrieval test, beside BM25. */
import { embed, openPipeline } from "@modernbert-ts/pipelines";
import { bm25, rank, rankingScores, readRetrievalTest } from "@modernbert-ts/training";
import type { RankingScores } from "@modernbert-ts/training";
import type { Command } from "commander";

/** Documents that count, at most. */
const depth = 100;

export interface RetrievalScores {
  readonly queries: number;
  readonly documents: number;
  readonly model: RankingScores;
  readonly bm25: RankingScores;
}

/** @throws UserError, DataError, those of opening a model. */
export async function evaluateRetrieval(model: string, folder: string, split: string): Promise<RetrievalScores> {
  const { corpus, queries, judged } = await readRetrievalTest(folder, split);
  await using pipeline = await openPipeline(model, { backend: "auto" });
  const vectors = async (texts: ReadonlyMap<string, string>): Promise<{ id: string; vector: Float32Array }[]> => {
    const made = await embed(pipeline, [...texts.values()], { normalize: true, truncate: true });
    return [...texts.keys()].map((id, at) => ({ id, vector: made[at]! }));
  };
  const documents = await vectors(corpus);
  const ranked = (await vectors(queries)).map(({ id, vector }) => ({
    ranked: rank(vector, documents, depth).map((document) => document.id),
    relevant: judged.get(id)!,
  }));
  const byWords = bm25(corpus);
  const baseline = [...queries].map(([id, text]) => ({ ranked: byWords(text, depth), relevant: judged.get(id)! }));
  return {
    queries: queries.size,
    documents: corpus.size,
    model: rankingScores(ranked),
    bm25: rankingScores(baseline),
  };
}

const titles: readonly (readonly [keyof RankingScores, string])[] = [
  ["ndcg10", "nDCG@10"],
  ["map", "MAP@100"],
  ["mrr10", "MRR@10"],
  ["recall10", "recall@10"],
  ["recall100", "recall@100"],
];

export function addRetrievalCommand(program: Command, say: (line: string) => void): void {
  program
    .command("retrieval")
    .description(
      "score a model of sentence vectors beside BM25 on a folder in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv",
    )
    .argument("<model>", "model folder or hub id")
    .argument("<test>", "the folder")
    .option("--split <name>", "which judgements", "test")
    .action(async (model: string, test: string, { split }: { split: string }) => {
      const { queries, documents, ...scores } = await evaluateRetrieval(model, test, split);
      say(`${queries} queries, ${documents} documents`);
      say(`${"".padEnd(12)}${"model".padStart(8)}${"BM25".padStart(8)}`);
      for (const [name, title] of titles) {
        const cells = [scores.model, scores.bm25].map((each) => each[name].toFixed(4).padStart(8));
        say(`${title.padEnd(12)}${cells.join("")}`);
      }
    });
}
