/** BM25 (Robertson & Zaragoza 2009) over words in lower case: what a retrieval model is to beat. */

const k1 = 1.2;
const b = 0.75;

/** Ranks documents for a query: the ids of the first `k` with a word of it. */
export function bm25(corpus: ReadonlyMap<string, string>): (query: string, k: number) => string[] {
  const postings = new Map<string, Map<number, number>>();
  const ids = [...corpus.keys()];
  const lengths = [...corpus.values()].map((text, document) => {
    const words = wordsOf(text);
    for (const word of words) {
      let counts = postings.get(word);
      if (!counts) postings.set(word, (counts = new Map()));
      counts.set(document, (counts.get(document) ?? 0) + 1);
    }
    return words.length;
  });
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  return (query, k) => {
    const scores = new Map<number, number>();
    for (const word of wordsOf(query)) {
      const counts = postings.get(word);
      if (!counts) continue;
      const rarity = Math.log(1 + (ids.length - counts.size + 0.5) / (counts.size + 0.5));
      for (const [document, count] of counts) {
        const saturation = count + k1 * (1 - b + (b * lengths[document]!) / mean);
        scores.set(document, (scores.get(document) ?? 0) + (rarity * count * (k1 + 1)) / saturation);
      }
    }
    return [...scores]
      .sort(([, one], [, other]) => other - one)
      .slice(0, k)
      .map(([document]) => ids[document]!);
  };
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
