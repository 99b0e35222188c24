/* The gradients of attention without a window in its keys and values: 128 of one head to a block, which walks over queries and gradients of the output.
 * Rows are keys here, columns queries: weights are operands as they come, and no tile is transposed. */
#include "kernels/attention/kernels.h"
#include "kernels/attention/visits.h"
#include "kernels/sm90/attention_backward.h"
#include "kernels/sm90/attention_rows.h"
#include "kernels/sm90/attention_tiles.h"
#include "kernels/sm90/quick_activations.h"

namespace {

constexpr int query_rows = 64;

/* Of a tile of queries. */
struct column_numbers {
  float lse[query_rows], delta[query_rows];
};

struct memory {
  unsigned char keys[block_rows * row_bytes], values[block_rows * row_bytes];
  mb_tile_ring<query_rows> tiles;
  column_numbers numbers[tile_places];
  uint64_t rows_loaded;
};

#ifdef MB_HOPPER

/* The loading threads: half of them bring lse, half delta. Queries that are not there have a sum of infinity: their weights are 0. */
MB_DEVICE void bring_numbers(memory &shared, const mb_attention &p, const mb_slot &slot, int tile, int place) {
  const int column = threadIdx.x % query_rows, row = tile * query_rows + column;
  const int64_t at = (int64_t)blockIdx.y * p.tokens + slot.start + row;
  if (threadIdx.x < query_rows) shared.numbers[place].lse[column] = row < slot.length ? p.lse[at] : INFINITY;
  else shared.numbers[place].delta[column] = row < slot.length ? p.delta[at] : 0;
}

MB_DEVICE void differentiate(memory &shared, const mb_attention &p, const mb_slot &slot, int count, int group) {
  uint32_t k[4][4], weights[4][4], grad_weights[4][4];
  float scores[32], grads[32], grad_k[32] = {}, grad_v[32] = {};
  auto &ring = shared.tiles.ring;
  auto &tiles = shared.tiles.places;
  const int offset = group * half_rows * row_bytes, first = slot.first + group * half_rows, t = threadIdx.x % 4;
  barrier_wait(&shared.rows_loaded, 0);
  read_turned(p, shared.keys + offset, first, k);

  mb_ring_position<tile_places> at;
  for (int tile = 0; tile < count; tile++, at.next()) {
    MB_VISIT();
    mb_tile_pair<query_rows> &pair = tiles[at.place];
    wait_until_full(ring, at);
    wgmma_fence();
    multiply_rows(scores, k, pair.turned);
    wgmma_commit();
    multiply_rows(grads, shared.values + offset, pair.plain);
    wgmma_commit();
    wgmma_wait<1>(scores);
    const column_numbers &numbers = shared.numbers[at.place];
#pragma unroll
    for (int i = 0; i < 32; i++) scores[i] = quick_exp2(scores[i] * p.scale_log2 - numbers.lse[i / 4 * 8 + 2 * t + i % 2]);
    pack_weights(scores, weights);
    wgmma_wait<0>(grads);
#pragma unroll
    for (int i = 0; i < 32; i++) grads[i] = scores[i] * (grads[i] - numbers.delta[i / 4 * 8 + 2 * t + i % 2]);
    pack_weights(grads, grad_weights);
    wgmma_fence();
    add_weighted(grad_v, weights, pair.plain, tile > 0);
    add_weighted(grad_k, grad_weights, pair.turned, tile > 0);
    wgmma_commit();
    wgmma_wait<0>(grad_v, grad_k);
    give_empty(ring, at.place);
  }
  const int keys = slot.keys - first, left = slot.length - first, head = (int)blockIdx.y;
  scale_rows(grad_k, {{p.scale, p.scale}});
  turn_back(p, grad_k, first);
  clear_rows(grad_k, keys);
  clear_rows(grad_v, keys);
  store_rows(grad_k, shared.keys + offset, out_rows(p.grad_qkv, 3 * p.heads, p.heads + head, slot.start + first, left));
  store_rows(grad_v, shared.keys + offset, out_rows(p.grad_qkv, 3 * p.heads, 2 * p.heads + head, slot.start + first, left));
}

#endif

__global__ void __launch_bounds__(attention_threads, 1)
    attention_backward_keys_long(const __grid_constant__ mb_tensor_map qkv, const __grid_constant__ mb_tensor_map grad, const __grid_constant__ mb_attention p) {
#ifdef MB_HOPPER
  MB_DYNAMIC_SHARED(bytes);
  memory &shared = *reinterpret_cast<memory *>(bytes);
  const mb_slot slot = find_slot(p, block_rows);
  if (slot.empty) return;
  const int count = slot.first < slot.keys ? (slot.length + query_rows - 1) / query_rows : 0, head = (int)blockIdx.y;
  if (threadIdx.x == 0) {
    prepare_tile_ring(shared.tiles);
    barrier_init(&shared.rows_loaded, 1);
    fence_barrier_init();
    barrier_expect(&shared.rows_loaded, 2 * sizeof shared.keys);
    for (int half = 0; half < 2; half++) {
      const int token = slot.start + slot.first + half * half_rows;
      load_box(shared.keys + half * half_rows * row_bytes, qkv, &shared.rows_loaded, 0, p.heads + head, token);
      load_box(shared.values + half * half_rows * row_bytes, qkv, &shared.rows_loaded, 0, 2 * p.heads + head, token);
    }
  }
  __syncthreads();
  if (threadIdx.x < warpgroup_threads) {
    give_registers<56>();
    load_pairs(shared.tiles, p, {qkv, grad, head, head, slot.start, slot.length}, count,
               [&](int tile, int place) { bring_numbers(shared, p, slot, tile, place); });
  } else {
    take_registers<224>();
    differentiate(shared, p, slot, count, (int)(threadIdx.x / warpgroup_threads) - 1);
  }
#else
  stop_elsewhere();
#endif
}

} // namespace

void attention_backward_keys_sm90(const mb_attention &p, cudaStream_t stream) {
  const mb_tensor_map qkv = token_map(p.qkv, p.tokens, 3 * p.heads, query_rows), grad = token_map(p.grad_out, p.tokens, p.heads, query_rows);
  launch_shared(attention_backward_keys_long, slots_of(p, block_rows), attention_threads, sizeof(memory), stream, qkv, grad, p);
}

void attention_backward_sm90(const mb_attention &p, cudaStream_t stream) {
  attention_backward_queries_sm90(p, stream);
  attention_backward_keys_sm90(p, stream);
}
