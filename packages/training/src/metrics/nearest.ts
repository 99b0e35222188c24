/** Documents by the product of their vectors with a query's, the largest first. */

export interface Vectorised {
  readonly id: string;
  readonly vector: ArrayLike<number>;
}

/** The first `k`; equal products stay in the order of the documents. */
export function rank<D extends Vectorised>(query: ArrayLike<number>, documents: readonly D[], k: number): D[] {
  const scores = documents.map(({ vector }) => {
    let product = 0;
    for (let at = 0; at < query.length; at++) product += query[at]! * vector[at]!;
    return product;
  });
  const order = documents.map((_, at) => at).sort((a, b) => scores[b]! - scores[a]!);
  return order.slice(0, k).map((at) => documents[at]!);
}
