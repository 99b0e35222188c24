/* y = activation(a) · b, where a and b are the halves of h = x · weightᵀ: the unit is in the product's end. A tile has 128 columns of each half: the
 * two numbers of a pair are in one thread. y is made of h as rounded to bf16: the same numbers whether h is kept or not. */
#include "engine/call.h"
#include "kernels/sm90/pack.h"
#include "kernels/sm90/product.h"
#include "kernels/sm90/quick_activations.h"

namespace {

constexpr int pair_columns = 128;

struct maps {
  mb_tensor_map x, weight, y, first, second; /* the last two are the halves of h */
};

struct place {
  unsigned char rows[tile_rows * row_bytes], first[pair_columns * row_bytes], second[pair_columns * row_bytes];
};

struct memory {
  place places[stages];
  unsigned char out[2][2][half_rows * row_bytes]; /* by warpgroup, in turns */
  mb_ring<stages> ring;
};

#ifdef MB_HOPPER

MB_DEVICE void load_tiles(memory &shared, const maps &map, const mb_tile_grid &grid, int half) {
  mb_ring_position<stages> at;
  for (int tile = (int)blockIdx.x; tile < grid.count(); tile += (int)gridDim.x) {
    const int row = tile / grid.column_tiles * tile_rows, column = tile % grid.column_tiles * pair_columns;
    for (int step = 0; step < grid.depth_steps; step++, at.next()) {
      place &to = shared.places[at.place];
      uint64_t *const barrier = begin_filling(shared.ring, at, sizeof(place));
      load_box(to.rows, map.x, barrier, step * tile_depth, row);
      load_box(to.first, map.weight, barrier, step * tile_depth, column);
      load_box(to.second, map.weight, barrier, step * tile_depth, half + column);
    }
  }
}

template <int Activation> MB_DEVICE uint32_t unit(uint32_t first, uint32_t second) {
  const float y[2] = {quick_activate<Activation>(low(first)).value * low(second), quick_activate<Activation>(high(first)).value * high(second)};
  return pack(y);
}

/* Computed after what was computed before: all at once would take too many registers. */
MB_DEVICE uint32_t in_order(uint32_t word) {
#ifdef __CUDACC__
  asm volatile("" : "+r"(word)::"memory");
#endif
  return word;
}

/* Writes what `word(register of two)` gives, 64 × 64 numbers, and queues their store. */
template <typename Word>
MB_DEVICE void store_half(unsigned char (&boxes)[2][half_rows * row_bytes], int &turn, int group, const mb_tensor_map &map, int column, int row, const Word &word) {
  const int thread = threadIdx.x % warpgroup_threads, lane = thread % 32;
  unsigned char *const box = boxes[turn];
  turn ^= 1;
  if (thread == 0) wait_stores_read<1>();
  sync_threads(1 + group, warpgroup_threads);
#pragma unroll
  for (int chunk = 0; chunk < 8; chunk += 2) {
    uint32_t words[4];
#pragma unroll
    for (int i = 0; i < 4; i++) words[i] = in_order(word(4 * chunk + 2 * i));
    store_matrices(chunk_at(box, thread / 32 * 16 + lane % 16, chunk + lane / 16), words[0], words[1], words[2], words[3]);
  }
  fence_async();
  sync_threads(1 + group, warpgroup_threads);
  if (thread != 0) return;
  store_box(map, box, column, row);
  commit_stores();
}

template <int Activation, bool keep> MB_DEVICE void multiply_tiles(memory &shared, const maps &map, const mb_tile_grid &grid, int group) {
  mb_ring_position<stages> at;
  int turn = 0;
  for (int tile = (int)blockIdx.x; tile < grid.count(); tile += (int)gridDim.x) {
    float sums[pair_columns];
    multiply_tile(shared.ring, at, grid.depth_steps, sums, [&](int from, bool add) {
      const uint64_t rows = matrix_descriptor(shared.places[from].rows + group * half_rows * row_bytes, 16, 8 * row_bytes, swizzle::bytes_128);
      const uint64_t weight = matrix_descriptor(shared.places[from].first, 16, 8 * row_bytes, swizzle::bytes_128);
#pragma unroll
      for (unsigned k = 0; k < tile_depth / 16; k++) wgmma(sums, advance(rows, k * depth_bytes), advance(weight, k * depth_bytes), add || k > 0);
    });
    const int row = tile / grid.column_tiles * tile_rows + group * half_rows, column = tile % grid.column_tiles * pair_columns;
#pragma unroll
    for (int side = 0; side < 2; side++) {
      const float *const first = sums + 32 * side, *const second = first + 64;
      const auto store = [&](const mb_tensor_map &to, const auto &word) { store_half(shared.out[group], turn, group, to, column + 64 * side, row, word); };
      if constexpr (keep) {
        store(map.first, [&](int i) { return pack(first + i); });
        store(map.second, [&](int i) { return pack(second + i); });
      }
      store(map.y, [&](int i) { return unit<Activation>(pack(first + i), pack(second + i)); });
    }
  }
  if (threadIdx.x % warpgroup_threads == 0) wait_stores_read<0>();
}

#endif

template <int Activation, bool keep>
__global__ void __launch_bounds__(product_threads, 1) glu_product(const __grid_constant__ maps map, mb_tile_grid grid, int half) {
#ifdef MB_HOPPER
  MB_DYNAMIC_SHARED(bytes);
  memory &shared = *reinterpret_cast<memory *>(bytes);
  if (threadIdx.x == 0) {
    prepare_ring(shared.ring, 2 * warpgroup_threads / 32);
    fence_barrier_init();
  }
  __syncthreads();
  if (threadIdx.x < warpgroup_threads) {
    give_registers<40>();
    if (threadIdx.x == 0) load_tiles(shared, map, grid, half);
  } else {
    take_registers<232>();
    multiply_tiles<Activation, keep>(shared, map, grid, (int)(threadIdx.x / warpgroup_threads) - 1);
  }
#else
  stop_elsewhere();
#endif
}

template <int Activation> void launch_product(const mb_call &call, const maps &map, const mb_tile_grid &grid, int half) {
  const auto kernel = call.views[1].data ? glu_product<Activation, true> : glu_product<Activation, false>;
  launch_shared(kernel, persistent_blocks(grid), product_threads, sizeof(memory), call.stream, map, grid, half);
}

} // namespace

/* views: y [T, I], h [T, 2I] or none, x [T, d], weight [2I, d]; attributes: the activation. Extents are multiples of 8, T of anything. */
void op_glu_product(const mb_call &call) {
  const mb_view &y = call.views[0], &h = call.views[1], &x = call.views[2], &weight = call.views[3];
  const int64_t rows = y.shape[0], columns = y.shape[1], depth = x.shape[1];
  maps map = {};
  map.x = matrix_map(x.data, rows, depth, depth, tile_rows);
  map.weight = matrix_map(weight.data, 2 * columns, depth, depth, pair_columns);
  map.y = matrix_map(y.data, rows, columns, columns, half_rows);
  if (h.data) {
    map.first = matrix_map(h.data, rows, columns, 2 * columns, half_rows);
    map.second = matrix_map((const uint16_t *)h.data + columns, rows, columns, 2 * columns, half_rows);
  }
  const mb_tile_grid grid = tiles_of(rows, columns, pair_columns, depth);
  switch ((int)call.attributes[0]) {
    case MB_GELU: return launch_product<MB_GELU>(call, map, grid, (int)columns);
    case MB_GELU_TANH: return launch_product<MB_GELU_TANH>(call, map, grid, (int)columns);
    case MB_SILU: return launch_product<MB_SILU>(call, map, grid, (int)columns);
    default: return launch_product<MB_RELU>(call, map, grid, (int)columns);
  }
}
