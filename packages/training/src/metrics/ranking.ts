/** Scores of ranked lists, as trec_eval and BEIR count: the gain is the relevance itself, the discount log2(rank + 1). */

/** The relevance of each document of a query that has any; 0 for all others. */
export type Relevance = ReadonlyMap<string, number>;

export interface RankingScores {
  readonly ndcg10: number;
  readonly map: number;
  readonly mrr10: number;
  readonly recall10: number;
  readonly recall100: number;
}

/** The means over queries; `map` over the first 100 that were ranked. */
export function rankingScores(
  queries: readonly { readonly ranked: readonly string[]; readonly relevant: Relevance }[],
): RankingScores {
  const mean = (of: (query: (typeof queries)[number]) => number): number =>
    queries.reduce((sum, query) => sum + of(query), 0) / queries.length;
  return {
    ndcg10: mean(({ ranked, relevant }) => ndcg(ranked, relevant, 10)),
    map: mean(({ ranked, relevant }) => averagePrecision(ranked, relevant, 100)),
    mrr10: mean(({ ranked, relevant }) => reciprocalRank(ranked, relevant, 10)),
    recall10: mean(({ ranked, relevant }) => recall(ranked, relevant, 10)),
    recall100: mean(({ ranked, relevant }) => recall(ranked, relevant, 100)),
  };
}

export function ndcg(ranked: readonly string[], relevant: Relevance, k: number): number {
  const gain = (values: readonly number[]): number =>
    values.slice(0, k).reduce((sum, value, at) => sum + value / Math.log2(at + 2), 0);
  const ideal = gain([...relevant.values()].sort((a, b) => b - a));
  return ideal === 0 ? 0 : gain(ranked.slice(0, k).map((document) => relevant.get(document) ?? 0)) / ideal;
}

export function averagePrecision(ranked: readonly string[], relevant: Relevance, k: number): number {
  let [hits, total] = [0, 0];
  for (const [at, document] of ranked.slice(0, k).entries())
    if (isRelevant(document, relevant)) total += ++hits / (at + 1);
  return total / Math.max(1, countOf(relevant));
}

export function reciprocalRank(ranked: readonly string[], relevant: Relevance, k: number): number {
  const at = ranked.slice(0, k).findIndex((document) => isRelevant(document, relevant));
  return at < 0 ? 0 : 1 / (at + 1);
}

export function recall(ranked: readonly string[], relevant: Relevance, k: number): number {
  return (
    ranked.slice(0, k).filter((document) => isRelevant(document, relevant)).length / Math.max(1, countOf(relevant))
  );
}

function isRelevant(document: string, relevant: Relevance): boolean {
  return (relevant.get(document) ?? 0) > 0;
}

function countOf(relevant: Relevance): number {
  return [...relevant.values()].filter((value) => value > 0).length;
}
