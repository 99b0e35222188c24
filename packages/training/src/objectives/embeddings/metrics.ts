/** Scored pairs by correlation; pairs and triplets by how well each anchor finds its positive among all texts of the evaluation. */
import type { ExampleRow } from "../../data/examples/example-row.ts";
import { pearson, spearman } from "../../metrics/correlation.ts";
import { rankingScores } from "../../metrics/ranking.ts";
import { rank } from "../../metrics/nearest.ts";
import type { HeldOutMetrics, MetricDefinition } from "../objective.ts";
import type { EmbeddingLoss } from "./losses.ts";

/** The vectors of an example's sequences, of length 1, and its numbers. */
type Embedded = readonly [vectors: readonly (readonly number[])[], values: readonly number[]];

const correlations: readonly MetricDefinition[] = [
  { name: "spearman", title: "Spearman correlation", format: "number" },
  { name: "pearson", title: "Pearson correlation", format: "number" },
];

const retrieval: readonly MetricDefinition[] = [
  { name: "ndcg10", title: "nDCG@10", format: "number" },
  { name: "mrr10", title: "MRR@10", format: "number" },
  { name: "recall10", title: "recall@10", format: "share" },
];

const likeness: readonly MetricDefinition[] = [{ name: "cosine", title: "cosine to the teacher", format: "number" }];

export function embeddingMetrics(loss: EmbeddingLoss, width: number): HeldOutMetrics<ExampleRow, Embedded> {
  const collect = ({ firstSequence, values }: ExampleRow, vectors: Float32Array): Embedded[] =>
    values.map((own, at) => [
      Array.from({ length: firstSequence[at + 1]! - firstSequence[at]! }, (_, sequence) => {
        const begin = (firstSequence[at]! + sequence) * width;
        return unitOf(vectors.subarray(begin, begin + width));
      }),
      [...own],
    ]);
  switch (loss) {
    case "scored":
      return { metrics: correlations, collect, summarise: correlationsOf };
    case "info_nce":
    case "kl":
      return { metrics: retrieval, collect, summarise: retrievalOf };
    case "mse":
    case "cosine":
      return {
        metrics: likeness,
        collect,
        summarise: (items) => ({
          cosine: items.reduce((sum, [[own], wanted]) => sum + dot(own!, unitOf(wanted)), 0) / items.length,
        }),
      };
    default:
      throw new Error(`internal: unknown loss ${String(loss satisfies never)}`);
  }
}

function correlationsOf(items: readonly Embedded[]): Record<string, number> {
  const cosines = items.map(([[a, b]]) => dot(a!, b!));
  const wanted = items.map(([, [score]]) => score!);
  return { spearman: spearman(wanted, cosines), pearson: pearson(wanted, cosines) };
}

function retrievalOf(items: readonly Embedded[]): Record<string, number> {
  const documents = items.flatMap(([[, ...others]], example) =>
    others.map((vector, at) => ({ id: `${example} ${at}`, vector })),
  );
  const queries = items.map(([[anchor]], example) => ({
    ranked: rank(anchor!, documents, 100).map(({ id }) => id),
    relevant: new Map([[`${example} 0`, 1]]),
  }));
  const { ndcg10, mrr10, recall10 } = rankingScores(queries);
  return { ndcg10, mrr10, recall10 };
}

function unitOf(vector: ArrayLike<number>): number[] {
  const values = Array.from(vector);
  const length = Math.hypot(...values);
  return values.map((value) => (length === 0 ? 0 : value / length));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
}
