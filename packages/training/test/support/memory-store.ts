/** Documents in memory: short, different, with a little structure to learn. */
import type { DocumentStore } from "../../src/data/sequences.ts";

export function memoryStore(documents: readonly (readonly number[])[], vocabSize: number): DocumentStore {
  return {
    documents: documents.length,
    vocabSize,
    fingerprint: `memory-${documents.length}`,
    documentLength: (document) => documents[document]!.length,
    copyDocument(document, start, end, target, at) {
      target.set(documents[document]!.slice(start, end), at);
    },
  };
}

/** [CLS] = 0, [SEP] = 1, [MASK] = 2, then words: mostly id 3. */
export function countingDocuments(count: number, vocabSize: number): number[][] {
  return Array.from({ length: count }, (_, document) => {
    const body = Array.from({ length: 3 + (document % 9) }, (_, at) =>
      (document + at) % 3 === 0 ? 3 + ((document * 7 + at) % (vocabSize - 3)) : 3,
    );
    return [0, ...body, 1];
  });
}
