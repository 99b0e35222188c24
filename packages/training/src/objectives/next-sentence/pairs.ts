/**
 * Sequences as pairs [CLS] A [SEP] B [SEP] for next-sentence prediction (arXiv 1810.04805 §3.1): a sequence is parted at a random token, and in
 * a share of the pairs B is text of another document. Segments are runs of tokens, as in RoBERTa's "segment-pair" (arXiv 1907.11692 §4.2), because
 * prepared data do not say where sentences end. The draw is Philox of (seed; epoch, document, chunk): a sequence is the same whatever rank,
 * row or batch it lands in, and new in every epoch.
 */
import { philox4x32 } from "@modernbert-ts/tensor-core";
import type { PackedRow } from "../../data/packing/batch.ts";
import { streamKey } from "../../data/packing/random-streams.ts";
import type { DocumentStore, SequenceRef } from "../../data/packing/sequences.ts";
import { DataError } from "../../errors.ts";

export interface PairedRow extends PackedRow {
  /** 0 for [CLS] A [SEP], 1 for B [SEP] [T]. */
  readonly typeIds: Int32Array;
  /** 0 where B followed A, 1 where it is of another document, -100 for a sequence that is too short for a pair [N]. */
  readonly nextLabels: Int32Array;
}

export interface PairOptions {
  readonly store: DocumentStore;
  readonly seed: number;
  readonly clsId: number;
  readonly sepId: number;
  /** Of pairs whose B is of another document, 0..1. */
  readonly randomShare: number;
}

/** Draws of another document before B stays what it was: documents without a token are rare. */
const tries = 16;

/** Returns the function row → row of pairs, none of which is longer than its sequence was. @throws DataError where there is no other document. */
export function createPairer(options: PairOptions): (row: PackedRow) => PairedRow {
  const { store, seed, clsId, sepId, randomShare } = options;
  if (store.documents < 2)
    throw new DataError("invalid", "nextSentence", `expected two documents or more, got ${store.documents}`);
  const key = streamKey(seed, "pair");

  /** Up to `count` tokens of another document; undefined where none was found. */
  function otherText({ document, epoch, chunk }: SequenceRef, count: number): Int32Array | undefined {
    for (let turn = 1; turn <= tries; turn++) {
      const [which, where] = philox4x32([turn, document, epoch, chunk], key);
      const other = Math.floor((which / 2 ** 32) * store.documents);
      if (other === document) continue;
      const text = withoutEdges(wholeOf(store, other), clsId, sepId);
      if (text.length === 0) continue;
      const start = Math.floor((where / 2 ** 32) * (Math.max(0, text.length - count) + 1));
      return text.subarray(start, start + count);
    }
    return undefined;
  }

  return (row) => {
    const pairs = row.sequences.map((sequence, n): Pair => {
      const ids = row.ids.subarray(row.cuSeqlens[n], row.cuSeqlens[n + 1]);
      const text = withoutEdges(ids, clsId, sepId).subarray(0, Math.max(0, ids.length - 3));
      if (text.length < 2) return { ids, typeIds: new Int32Array(ids.length), label: -100 };
      const [cut, fate] = philox4x32([0, sequence.document, sequence.epoch, sequence.chunk], key);
      const border = 1 + Math.floor((cut / 2 ** 32) * (text.length - 1));
      const other = fate / 2 ** 32 < randomShare ? otherText(sequence, text.length - border) : undefined;
      return pairOf(text.subarray(0, border), other ?? text.subarray(border), other ? 1 : 0);
    });
    const ends = pairs.reduce<number[]>((sums, { ids }) => [...sums, sums.at(-1)! + ids.length], [0]);
    return {
      ids: Int32Array.from(pairs.flatMap(({ ids }) => [...ids])),
      cuSeqlens: Int32Array.from(ends),
      maxSeqlen: Math.max(...pairs.map(({ ids }) => ids.length)),
      sequences: row.sequences,
      typeIds: Int32Array.from(pairs.flatMap(({ typeIds }) => [...typeIds])),
      nextLabels: Int32Array.from(pairs, ({ label }) => label),
    };
  };

  function pairOf(first: Int32Array, second: Int32Array, label: number): Pair {
    const ids = Int32Array.from([clsId, ...first, sepId, ...second, sepId]);
    return { ids, typeIds: new Int32Array(ids.length).fill(1, first.length + 2), label };
  }
}

interface Pair {
  readonly ids: Int32Array;
  readonly typeIds: Int32Array;
  readonly label: number;
}

function wholeOf(store: DocumentStore, document: number): Int32Array {
  const whole = new Int32Array(store.documentLength(document));
  store.copyDocument(document, 0, whole.length, whole, 0);
  return whole;
}

function withoutEdges(ids: Int32Array, clsId: number, sepId: number): Int32Array {
  const start = ids[0] === clsId ? 1 : 0;
  return ids.subarray(start, ids.length > start && ids.at(-1) === sepId ? -1 : undefined);
}
