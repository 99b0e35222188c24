/** How well each anchor finds its positive among the texts of its row: for models whose scores are too costly between all texts of an evaluation. */
import type { ExampleRow } from "../data/examples/example-row.ts";
import type { HeldOutMetrics } from "./objective.ts";

/** @param scorer of a row's representation: the score of two of its sequences. */
export function rowRanking(
  scorer: (row: ExampleRow, representation: Float32Array) => (query: number, document: number) => number,
): HeldOutMetrics<ExampleRow, number> {
  return {
    metrics: [
      { name: "rowMrr", title: "MRR among the texts of a micro-batch", format: "number" },
      { name: "rowAccuracy", title: "positives that come first in their micro-batch", format: "share" },
    ],
    collect(row, representation) {
      const score = scorer(row, representation);
      const queries = [...row.firstSequence.subarray(0, -1)];
      const isQuery = new Set(queries);
      const documents = Array.from({ length: row.cuSeqlens.length - 1 }, (_, at) => at).filter(
        (at) => !isQuery.has(at),
      );
      return queries.map((query) => {
        const own = score(query, query + 1);
        return 1 + documents.filter((document) => document !== query + 1 && score(query, document) >= own).length;
      });
    },
    summarise: (ranks) => ({
      rowMrr: ranks.reduce((sum, rank) => sum + 1 / rank, 0) / ranks.length,
      rowAccuracy: ranks.filter((rank) => rank === 1).length / ranks.length,
    }),
  };
}
