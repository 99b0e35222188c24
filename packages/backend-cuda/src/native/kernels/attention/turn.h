/* Turned copies of q and k for long texts, where each tile of them meets so many blocks that one pass through memory costs less than to turn
 * it in each of them. */
#ifndef MB_ATTENTION_TURN_H
#define MB_ATTENTION_TURN_H

#include "kernels/attention/rotary.h"
#include "kernels/attention/slots.h"

constexpr int turn_row_count = 64, turn_threads = 128;

/* q and k of qkv to [tokens, 2, heads, D]: 64 rows of one head a block. */
template <typename T, int D> static __global__ void __launch_bounds__(turn_threads) attention_turn(mb_attention p, uint16_t *to) {
  const mb_slot slot = find_slot(p, turn_row_count);
  if (slot.empty) return;
  own_chunks<D, turn_row_count, turn_threads, 1>([&](int row, int chunk) {
    const int position = slot.first + row;
    if (position >= slot.length) return;
    for (int part = 0; part < 2; part++) {
      const int64_t token = slot.start + position, column = part * p.out_stride() + blockIdx.y * D + chunk * 8;
      const uint16_t *const from = (const uint16_t *)p.qkv + token * p.qkv_stride() + column;
      uint16_t *const into = to + token * 2 * p.out_stride() + column;
      uint4 left = *reinterpret_cast<const uint4 *>(from), right = *reinterpret_cast<const uint4 *>(from + D / 2);
      turn_chunks<T>(p, left, right, position, chunk);
      *reinterpret_cast<uint4 *>(into) = left;
      *reinterpret_cast<uint4 *>(into + D / 2) = right;
    }
  });
}

/* Turns q and k, and lets `p` take them from `memory` [tokens, 2, heads, D]. */
template <typename T, int D> void turn_queries_and_keys(mb_attention &p, void *memory, cudaStream_t stream) {
  launch(attention_turn<T, D>, slots_of(p, turn_row_count), turn_threads, stream, p, (uint16_t *)memory);
  p.q = {memory, 2 * p.out_stride(), false};
  p.k = {(uint16_t *)memory + p.out_stride(), 2 * p.out_stride(), false};
}

#endif
