/* Attention without a window over long sequences. A block takes 128 queries of one head and walks over keys and values: the product of one tile's
 * scores and the sum over the tile before it are under way together. */
#include "kernels/attention/kernels.h"
#include "kernels/attention/visits.h"
#include "kernels/sm90/attention_rows.h"
#include "kernels/sm90/attention_tiles.h"
#include "kernels/sm90/quick_activations.h"

namespace {

constexpr int key_rows = 128;

struct memory {
  unsigned char queries[block_rows * row_bytes];
  mb_tile_ring<key_rows> tiles;
  uint64_t queries_loaded;
};

#ifdef MB_HOPPER

/* Largest score and sum of exponentials of a thread's rows, tile by tile. The sum is this thread's part until the end. */
struct row_sums {
  float largest[2] = {-INFINITY, -INFINITY}, sum[2] = {0, 0};

  /* Scores become weights 2^(scale · (score - largest)); returns what earlier sums shrink by. */
  MB_DEVICE mb_row_pair add(float (&scores)[64], float scale) {
    mb_row_pair shrink;
#pragma unroll
    for (int v = 0; v < 2; v++) {
      float most = largest[v];
#pragma unroll
      for (int i = 2 * v; i < 64; i += 4) most = fmaxf(most, fmaxf(scores[i], scores[i + 1]));
      most = row_max(most);
      const float base = most == -INFINITY ? 0 : most * scale;
      shrink.of[v] = quick_exp2(largest[v] * scale - base);
      largest[v] = most;
      float added = 0;
#pragma unroll
      for (int i = 2 * v; i < 64; i += 4) {
        scores[i] = quick_exp2(scores[i] * scale - base);
        scores[i + 1] = quick_exp2(scores[i + 1] * scale - base);
        added += scores[i] + scores[i + 1];
      }
      sum[v] = sum[v] * shrink.of[v] + added;
    }
    return shrink;
  }

  /* What rows are multiplied by: 1 / sum, 0 where no key was seen. */
  MB_DEVICE mb_row_pair end() {
    mb_row_pair factor;
#pragma unroll
    for (int v = 0; v < 2; v++) {
      sum[v] = row_sum(sum[v]);
      factor.of[v] = sum[v] == 0 ? 0 : 1 / sum[v];
    }
    return factor;
  }

  /* Log2 of the sums, infinity where no key was seen. */
  MB_DEVICE void store(float *to, int count, float scale) const {
    if (threadIdx.x % 4 != 0) return;
#pragma unroll
    for (int v = 0; v < 2; v++) {
      const int row = own_row() + 8 * v;
      if (row < count) to[row] = sum[v] == 0 ? INFINITY : largest[v] * scale + log2f(sum[v]);
    }
  }
};

/* The second and third warpgroup: 64 queries each. */
MB_DEVICE void attend(memory &shared, const mb_attention &p, const mb_slot &slot, int count, int group) {
  uint32_t q[4][4], weights[8][4];
  float scores[64], out[32] = {};
  row_sums sums;
  auto &ring = shared.tiles.ring;
  auto &tiles = shared.tiles.places;
  unsigned char *const own = shared.queries + group * half_rows * row_bytes;
  const int first = slot.first + group * half_rows, left = slot.length - first;
  barrier_wait(&shared.queries_loaded, 0);
  read_turned(p, own, first, q);

  mb_ring_position<tile_places> at;
  const auto queue_scores = [&] {
    wait_until_full(ring, at);
    wgmma_fence();
    multiply_rows(scores, q, tiles[at.place].turned);
    wgmma_commit();
  };
  const auto weigh = [&](int tile) {
    MB_VISIT();
    const int keys = slot.keys - tile * key_rows;
    if (keys < key_rows) hide_columns(scores, keys);
    return sums.add(scores, p.scale_log2);
  };
  if (count > 0) {
    queue_scores();
    wgmma_wait<0>(scores);
    weigh(0);
    pack_weights(scores, weights);
    int last = at.place;
    for (int tile = 1; tile < count; tile++) {
      at.next();
      queue_scores();
      add_weighted(out, weights, tiles[last].plain, tile > 1);
      wgmma_commit();
      wgmma_wait<1>(scores);
      const mb_row_pair shrink = weigh(tile);
      wgmma_wait<0>(out);
      give_empty(ring, last);
      scale_rows(out, shrink);
      pack_weights(scores, weights);
      last = at.place;
    }
    wgmma_fence();
    add_weighted(out, weights, tiles[last].plain, count > 1);
    wgmma_commit();
    wgmma_wait<0>(out);
  }
  scale_rows(out, sums.end());
  store_rows(out, own, out_rows(p.out, p.heads, (int)blockIdx.y, slot.start + first, left));
  if (p.lse) sums.store(p.lse + (int64_t)blockIdx.y * p.tokens + slot.start + first, left, p.scale_log2);
}

#endif

__global__ void __launch_bounds__(attention_threads, 1) attention_forward_long(const __grid_constant__ mb_tensor_map qkv, const __grid_constant__ mb_attention p) {
#ifdef MB_HOPPER
  MB_DYNAMIC_SHARED(bytes);
  memory &shared = *reinterpret_cast<memory *>(bytes);
  check_ends(p);
  const mb_slot slot = find_slot(p, block_rows);
  if (slot.empty) return;
  if (threadIdx.x == 0) {
    prepare_tile_ring(shared.tiles);
    barrier_init(&shared.queries_loaded, 1);
    fence_barrier_init();
    barrier_expect(&shared.queries_loaded, sizeof shared.queries);
    load_box(shared.queries, qkv, &shared.queries_loaded, 0, (int)blockIdx.y, slot.start + slot.first);
  }
  __syncthreads();
  const int count = (slot.keys + key_rows - 1) / key_rows, head = (int)blockIdx.y;
  if (threadIdx.x < warpgroup_threads) {
    give_registers<56>();
    load_pairs(shared.tiles, p, {qkv, qkv, p.heads + head, 2 * p.heads + head, slot.start, slot.keys}, count, [](int, int) {});
  } else {
    take_registers<224>();
    attend(shared, p, slot, count, (int)(threadIdx.x / warpgroup_threads) - 1);
  }
#else
  stop_elsewhere();
#endif
}

} // namespace

bool attention_takes_sm90(const mb_attention &p) {
  const bool windowed = p.window < p.tokens && p.window < p.longest;
  return p.width == 64 && !windowed && p.longest >= 512 && p.drop_rate == 0 && current_architecture().version == 90;
}

void attention_forward_sm90(const mb_attention &p, cudaStream_t stream) {
  const mb_tensor_map qkv = token_map(p.qkv, p.tokens, 3 * p.heads, block_rows);
  launch_shared(attention_forward_long, slots_of(p, block_rows), attention_threads, sizeof(memory), stream, qkv, p);
}
