/* Which part of which sequence a block works on. Nothing of it is known to the host: there are ⌊tokens / ROWS⌋ + sequences slots of ROWS rows,
 * those of sequence i begin with ⌊start / ROWS⌋ + i, and slots that no row falls into leave at once. */
#ifndef MB_ATTENTION_SLOTS_H
#define MB_ATTENTION_SLOTS_H

#include "kernels/attention/problem.h"
#include "simt/warp.h"

/* Blocks for all rows of all heads. */
inline mb_grid slots_of(const mb_attention &p, int rows) { return {p.tokens / rows + p.sequences, p.heads}; }

struct mb_slot {
  int start, length; /* of the sequence: its first token, how many there are */
  int keys;          /* how many of them are seen as keys */
  int first;         /* row of the sequence that the block begins with */
  bool empty;        /* there is nothing to do */
};

/* Row 0 of the sequence and the block's head. */
template <int D> static __device__ __forceinline__ const uint16_t *rows_of(const mb_source &source, const mb_slot &slot) {
  return (const uint16_t *)source.data + slot.start * source.stride + blockIdx.y * D;
}

/* Tokens of a sequence. */
struct mb_range {
  int first, end;
};

/* Those that rows `first` to `end - 1` see or are seen by, among the first `count`. */
MB_INLINE mb_range seen_of(const mb_attention &p, int first, int end, int count) {
  return {max(0, first - p.window), min(count, end + p.window)};
}

/* The last sequence whose slots begin at `block` or before; found by whole warps, 32 sequences at once. */
MB_INLINE int sequence_of(const mb_attention &p, int rows, int block) {
  int first = 0, count = p.sequences;
  while (count > 1) {
    const int stride = (count + 31) / 32, at = first + (int)(threadIdx.x % 32) * stride;
    const bool before = at < first + count && p.ends[at] / rows + at <= block;
    const int step = stride * max(__popc(lanes_where(before)) - 1, 0);
    first += step;
    count = min(stride, count - step);
  }
  return first;
}

MB_INLINE mb_slot find_slot(const mb_attention &p, int rows) {
  const int block = (int)blockIdx.x, sequence = sequence_of(p, rows, block);
  const int start = p.ends[sequence], end = p.ends[sequence + 1];
  mb_slot slot;
  slot.start = start;
  slot.length = end - start;
  slot.keys = p.key_counts ? min(max(p.key_counts[sequence], 0), slot.length) : slot.length;
  slot.first = (block - start / rows - sequence) * rows;
  slot.empty = start < 0 || end > p.tokens || slot.first < 0 || slot.first >= slot.length;
  return slot;
}

/* The blocks of one head look at all of cuSeqlens and at the last position of each sequence. */
MB_INLINE void check_ends(const mb_attention &p) {
  const int sequence = (int)blockIdx.x;
  if (threadIdx.x != 0 || blockIdx.y != 0 || sequence >= p.sequences) return;
  const int start = p.ends[sequence], end = p.ends[sequence + 1];
  if (sequence == 0 && start != 0) claim_fault(p.bad_ends, start);
  if (end < start || (sequence + 1 == p.sequences && end != p.tokens)) claim_fault(p.bad_ends, end);
  if (p.cos && end - start > p.positions) claim_fault(p.bad_position, end - start - 1);
}

#endif
