/* The gradient of attention without a window in its queries: 128 of one head to a block, which walks over keys and values. Also Σ out · grad_out of
 * each query, which the gradient in the keys reads. */
#include "kernels/attention/visits.h"
#include "kernels/sm90/attention_backward.h"
#include "kernels/sm90/attention_rows.h"
#include "kernels/sm90/attention_tiles.h"
#include "kernels/sm90/quick_activations.h"

namespace {

constexpr int key_rows = 64;

struct memory {
  unsigned char queries[block_rows * row_bytes], grads[block_rows * row_bytes];
  mb_tile_ring<key_rows> tiles;
  uint64_t rows_loaded;
};

#ifdef MB_HOPPER

/* Of a thread's rows; those from `count` on have sums of infinity: their weights are 0. */
struct row_numbers {
  mb_row_pair lse, delta;
};

MB_DEVICE row_numbers read_numbers(const mb_attention &p, unsigned char *grads, int token, int count) {
  row_numbers numbers;
  const int t = threadIdx.x % 4, head = (int)blockIdx.y;
#pragma unroll
  for (int v = 0; v < 2; v++) {
    const int row = own_row() + 8 * v;
    float sum = 0;
    if (row < count) {
      const uint32_t *const out = (const uint32_t *)p.out + ((int64_t)(token + row) * p.heads + head) * 32;
#pragma unroll
      for (int chunk = 0; chunk < 8; chunk++) {
        const uint32_t a = out[4 * chunk + t], b = ((const uint32_t *)chunk_at(grads, row, chunk))[t];
        sum += low(a) * low(b) + high(a) * high(b);
      }
    }
    sum = row_sum(sum);
    const int64_t at = (int64_t)head * p.tokens + token + row;
    numbers.lse.of[v] = row < count ? p.lse[at] : INFINITY;
    numbers.delta.of[v] = sum;
    if (row < count && t == 0) p.delta[at] = sum;
  }
  return numbers;
}

MB_DEVICE void differentiate(memory &shared, const mb_attention &p, const mb_slot &slot, int count, int group) {
  uint32_t q[4][4], weights[4][4];
  float scores[32], grads[32], grad_q[32] = {};
  auto &ring = shared.tiles.ring;
  auto &tiles = shared.tiles.places;
  unsigned char *const own = shared.queries + group * half_rows * row_bytes, *const own_grads = shared.grads + group * half_rows * row_bytes;
  const int first = slot.first + group * half_rows, left = slot.length - first;
  barrier_wait(&shared.rows_loaded, 0);
  read_turned(p, own, first, q);
  const row_numbers numbers = read_numbers(p, own_grads, slot.start + first, left);

  mb_ring_position<tile_places> at;
  for (int tile = 0; tile < count; tile++, at.next()) {
    MB_VISIT();
    mb_tile_pair<key_rows> &pair = tiles[at.place];
    wait_until_full(ring, at);
    wgmma_fence();
    multiply_rows(scores, q, pair.turned);
    wgmma_commit();
    multiply_rows(grads, own_grads, pair.plain);
    wgmma_commit();
    wgmma_wait<1>(scores);
    const int keys = slot.keys - tile * key_rows;
    if (keys < key_rows) hide_columns(scores, keys);
#pragma unroll
    for (int i = 0; i < 32; i++) scores[i] = quick_exp2(scores[i] * p.scale_log2 - numbers.lse.of[i / 2 % 2]);
    wgmma_wait<0>(grads);
#pragma unroll
    for (int i = 0; i < 32; i++) grads[i] = scores[i] * (grads[i] - numbers.delta.of[i / 2 % 2]);
    pack_weights(grads, weights);
    wgmma_fence();
    add_weighted(grad_q, weights, pair.turned, tile > 0);
    wgmma_commit();
    wgmma_wait<0>(grad_q);
    give_empty(ring, at.place);
  }
  scale_rows(grad_q, {{p.scale, p.scale}});
  turn_back(p, grad_q, first);
  store_rows(grad_q, own, out_rows(p.grad_qkv, 3 * p.heads, (int)blockIdx.y, slot.start + first, left));
}

#endif

__global__ void __launch_bounds__(attention_threads, 1)
    attention_backward_queries_long(const __grid_constant__ mb_tensor_map qkv, const __grid_constant__ mb_tensor_map grad, const __grid_constant__ mb_attention p) {
#ifdef MB_HOPPER
  MB_DYNAMIC_SHARED(bytes);
  memory &shared = *reinterpret_cast<memory *>(bytes);
  const mb_slot slot = find_slot(p, block_rows);
  if (slot.empty) return;
  const int count = (slot.keys + key_rows - 1) / key_rows, head = (int)blockIdx.y;
  if (threadIdx.x == 0) {
    prepare_tile_ring(shared.tiles);
    barrier_init(&shared.rows_loaded, 1);
    fence_barrier_init();
    barrier_expect(&shared.rows_loaded, 2 * sizeof shared.queries);
    for (int half = 0; half < 2; half++) {
      const int token = slot.start + slot.first + half * half_rows;
      load_box(shared.queries + half * half_rows * row_bytes, qkv, &shared.rows_loaded, 0, head, token);
      load_box(shared.grads + half * half_rows * row_bytes, grad, &shared.rows_loaded, 0, head, token);
    }
  }
  __syncthreads();
  if (threadIdx.x < warpgroup_threads) {
    give_registers<56>();
    load_pairs(shared.tiles, p, {qkv, qkv, p.heads + head, 2 * p.heads + head, slot.start, slot.keys}, count, [](int, int) {});
  } else {
    take_registers<224>();
    differentiate(shared, p, slot, count, (int)(threadIdx.x / warpgroup_threads) - 1);
  }
#else
  stop_elsewhere();
#endif
}

} // namespace

void attention_backward_queries_sm90(const mb_attention &p, cudaStream_t stream) {
  const mb_tensor_map qkv = token_map(p.qkv, p.tokens, 3 * p.heads, key_rows), grad = token_map(p.grad_out, p.tokens, p.heads, key_rows);
  launch_shared(attention_backward_queries_long, slots_of(p, block_rows), attention_threads, sizeof(memory), stream, qkv, grad, p);
}
