/** Late interaction: a query's tokens each find the token of a document that is most like them, and the likenesses are added. */
import { concat, matmul, max, segmentSum, slice, transpose } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";

/** Token vectors of a row's queries. */
export interface Queries {
  /** [T, k] */
  readonly tokens: Tensor;
  /** i32 [T]: which query a token belongs to, from 0. */
  readonly owners: Tensor;
  readonly count: number;
}

/** Σ over a query's tokens of the largest product with a token of the document: [queries, documents]. @param documents [L, k] each. */
export function maxSim(queries: readonly Queries[], documents: readonly Tensor[]): Tensor {
  const { runtime } = documents[0]!;
  return runtime.scope(() => {
    const rows = queries.map(({ tokens, owners, count }) => {
      const best = documents.map((document) => max(matmul(tokens, transpose(document)), [1]));
      return segmentSum(concat(best, 1), owners, count);
    });
    return rows.length === 1 ? rows[0]! : concat(rows, 0);
  });
}

/** The vectors of sequence `at`. */
export function sequenceOf(vectors: Tensor, cuSeqlens: Int32Array, at: number): Tensor {
  return slice(vectors, 0, cuSeqlens[at]!, cuSeqlens[at + 1]!);
}
