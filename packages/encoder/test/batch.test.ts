/** Packing, unpadding and padding on the host, and what is refused before anything is queued. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkBatch, positionsOf } from "../src/batch/packed-batch.ts";
import { BatchError, packSequences, partOf, pad, unpad, unpadValues } from "../src/index.ts";

const limits = { vocabSize: 10, typeVocabSize: 2, maxLength: 4 };

const ints = (...values: number[]): Int32Array => Int32Array.from(values);

describe("packing", () => {
  it("lays sequences one after another", () => {
    const batch = packSequences([[1, 2, 3], [4], [5, 6]]);
    expect([...batch.ids]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...batch.cuSeqlens]).toEqual([0, 3, 4, 6]);
    expect(batch.maxSeqlen).toBe(3);
    expect([...positionsOf(batch)]).toEqual([0, 1, 2, 0, 0, 1]);
  });

  it("keeps the types of tokens; those of sequences without are 0", () => {
    const typed = { ids: ints(1, 2, 3), typeIds: ints(0, 1, 1) };
    const batch = packSequences([ints(7, 8), typed, [9]]);
    expect([...batch.ids]).toEqual([7, 8, 1, 2, 3, 9]);
    expect([...batch.typeIds!]).toEqual([0, 0, 0, 1, 1, 0]);
    expect(packSequences([[7]]).typeIds).toBeUndefined();
    expect(partOf(typed, 1)).toEqual({ ids: ints(2, 3), typeIds: ints(1, 1) });
    expect(partOf(ints(1, 2, 3), 1, 2)).toEqual(ints(2));
  });

  it("unpad drops padding on either side and pad puts values back", () => {
    const row = fc
      .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 6 }))
      .map(([left, length]) => ({ left, length }));
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), (rows) => {
        const columns = Math.max(...rows.map(({ left, length }) => left + length));
        const mask = rows.flatMap(({ left, length }) =>
          Array.from({ length: columns }, (_, at) => (at >= left && at < left + length ? 1 : 0)),
        );
        const ids = mask.map((kept, at) => (kept ? at + 1 : 0));
        const unpadded = unpad(ids, mask, [rows.length, columns]);
        expect([...unpadded.batch.ids]).toEqual(ids.filter((id) => id > 0));
        expect([...unpadValues(ids, unpadded)]).toEqual([...unpadded.batch.ids]);
        const values = Float32Array.from(
          unpadded.batch.ids.length * 2 === 0 ? [] : [...unpadded.batch.ids].flatMap((id) => [id, -id]),
        );
        expect([...pad(values, unpadded)]).toEqual(ids.flatMap((id) => [id, id === 0 ? 0 : -id]));
      }),
    );
  });
});

describe("refusals", () => {
  it.each<[string, () => unknown, string]>([
    ["no sequences", () => packSequences([]), "at least one sequence"],
    ["an empty sequence", () => packSequences([[1], []]), "sequence 1"],
    ["a negative id", () => packSequences([[-1]]), "got -1 at 0"],
    ["a fractional id", () => packSequences([[1.5]]), "got 1.5 at 0"],
    ["an id beyond 32 bits", () => packSequences([[2 ** 32]]), "2³¹"],
    ["an empty row", () => unpad([1, 1], [1, 0], [2, 1]), "row 1"],
    ["a hole", () => unpad([1, 1, 1], [1, 0, 1], [1, 3]), "stand together"],
    ["a mask of another size", () => unpad([1, 1], [1], [1, 2]), "got 2 and 1"],
    [
      "an id outside the vocabulary",
      () => checkBatch(packSequences([[1, 10]]), limits),
      "below 10 (vocab_size), got 10 at 1",
    ],
    ["a long sequence", () => checkBatch(packSequences([[1], [1, 2, 3, 4, 5]]), limits), "at most 4 tokens"],
    ["no tokens", () => checkBatch({ ids: ints(), cuSeqlens: ints(0), maxSeqlen: 0 }, limits), "at least one token"],
    ["borders past the end", () => checkBatch({ ids: ints(1), cuSeqlens: ints(0, 2), maxSeqlen: 2 }, limits), "0 to 2"],
    [
      "decreasing borders",
      () => checkBatch({ ids: ints(1, 2), cuSeqlens: ints(0, 2, 1, 2), maxSeqlen: 2 }, limits),
      "sequence 1",
    ],
    [
      "a short maxSeqlen",
      () => checkBatch({ ids: ints(1, 2), cuSeqlens: ints(0, 2), maxSeqlen: 1 }, limits),
      "maxSeqlen",
    ],
    [
      "types of another length",
      () => packSequences([{ ids: ints(1, 2), typeIds: ints(0) }]),
      "each of 2 tokens, got 1",
    ],
    [
      "a type without a row",
      () => checkBatch(packSequences([[3], { ids: ints(1, 2), typeIds: ints(0, 2) }]), limits),
      "below 2 (type_vocab_size), got 2 at 2",
    ],
    [
      "types where the model has none",
      () => checkBatch(packSequences([{ ids: ints(1), typeIds: ints(0) }]), { ...limits, typeVocabSize: 0 }),
      "expected no token types",
    ],
    ["values of another length", () => pad(new Float32Array(3), unpad([1, 2], [1, 1], [1, 2])), "multiple of 2"],
  ])("%s", (_, act, part) => {
    expect(act).toThrow(BatchError);
    expect(act).toThrow(part);
    expect(act).toThrow(/^\[\w+\] expected [^\n]*, got [^\n]*$/);
  });
});
