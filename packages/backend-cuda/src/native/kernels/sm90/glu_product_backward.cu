/* The gradient of y = (activation(a) · b) · weightᵀ in h = [a, b]: the product dY · weight, with the halves of h read and both gradients written in its
 * end; and activation(a) · b once more, which the gradient of the weight needs. */
#include "engine/call.h"
#include "kernels/sm90/pack.h"
#include "kernels/sm90/product.h"
#include "kernels/sm90/quick_activations.h"

namespace {

constexpr int tile_columns = 128;
constexpr int box_bytes = half_rows * row_bytes;

struct maps {
  mb_tensor_map grad, weight, first, second, grad_first, grad_second, active;
};

/* The weight's rows are the depth: its boxes are 64 columns of 64 rows. */
struct place {
  unsigned char rows[tile_rows * row_bytes], weight[2][tile_depth * row_bytes];
};

/* Of one warpgroup: boxes of 64 columns. The gradients take the place of h. */
struct halves {
  unsigned char first[2][box_bytes], second[2][box_bytes], active[2][box_bytes];
};

struct memory {
  place places[stages];
  halves end[2];
  mb_ring<stages> ring;
  uint64_t loaded[2];
};

#ifdef MB_HOPPER

MB_DEVICE void load_tiles(memory &shared, const maps &map, const mb_tile_grid &grid) {
  mb_ring_position<stages> at;
  for (int tile = (int)blockIdx.x; tile < grid.count(); tile += (int)gridDim.x) {
    const int row = tile / grid.column_tiles * tile_rows, column = tile % grid.column_tiles * tile_columns;
    for (int step = 0; step < grid.depth_steps; step++, at.next()) {
      place &to = shared.places[at.place];
      uint64_t *const barrier = begin_filling(shared.ring, at, sizeof(place));
      load_box(to.rows, map.grad, barrier, step * tile_depth, row);
      load_box(to.weight[0], map.weight, barrier, column, step * tile_depth);
      load_box(to.weight[1], map.weight, barrier, column + box_columns, step * tile_depth);
    }
  }
}

/* One thread: when the stores of the tile before have read their boxes, h comes into them. */
MB_DEVICE void load_halves(halves &end, uint64_t *loaded, const maps &map, int column, int row) {
  wait_stores_read<0>();
  barrier_expect(loaded, 4 * box_bytes);
  for (int side = 0; side < 2; side++) {
    load_box(end.first[side], map.first, loaded, column + side * box_columns, row);
    load_box(end.second[side], map.second, loaded, column + side * box_columns, row);
  }
}

MB_DEVICE void store_gradients(const halves &end, const maps &map, int column, int row) {
  for (int side = 0; side < 2; side++) {
    store_box(map.grad_first, end.first[side], column + side * box_columns, row);
    store_box(map.grad_second, end.second[side], column + side * box_columns, row);
    store_box(map.active, end.active[side], column + side * box_columns, row);
  }
  commit_stores();
}

/* Two neighbours: from h and the gradient of activation(a) · b. */
template <int Activation> MB_DEVICE void differentiate(uint32_t *first, uint32_t *second, uint32_t *active, const float *grad) {
  const uint32_t a = *first, b = *second;
  const mb_activated left = quick_activate<Activation>(low(a)), right = quick_activate<Activation>(high(a));
  *first = pack(grad[0] * low(b) * left.slope, grad[1] * high(b) * right.slope);
  *second = pack(grad[0] * left.value, grad[1] * right.value);
  *active = pack(left.value * low(b), right.value * high(b));
}

template <int Activation> MB_DEVICE void multiply_tiles(memory &shared, const maps &map, const mb_tile_grid &grid, int group) {
  const int thread = threadIdx.x % warpgroup_threads, row_in_box = thread / 32 * 16 + thread % 32 / 4;
  halves &end = shared.end[group];
  mb_ring_position<stages> at;
  unsigned turn = 0;
  for (int tile = (int)blockIdx.x; tile < grid.count(); tile += (int)gridDim.x, turn ^= 1) {
    const int row = tile / grid.column_tiles * tile_rows + group * half_rows, column = tile % grid.column_tiles * tile_columns;
    if (thread == 0) load_halves(end, shared.loaded + group, map, column, row);
    float grads[tile_columns / 2];
    multiply_tile(shared.ring, at, grid.depth_steps, grads, [&](int from, bool add) {
      const uint64_t rows = matrix_descriptor(shared.places[from].rows + group * half_rows * row_bytes, 16, 8 * row_bytes, swizzle::bytes_128);
      const uint64_t weight = matrix_descriptor(shared.places[from].weight, tile_depth * row_bytes, 8 * row_bytes, swizzle::bytes_128);
#pragma unroll
      for (unsigned k = 0; k < tile_depth / 16; k++) wgmma<0, 1>(grads, advance(rows, k * depth_bytes), advance(weight, k * 16 * row_bytes), add || k > 0);
    });
    barrier_wait(shared.loaded + group, turn);
#pragma unroll
    for (int i = 0; i < tile_columns / 2; i += 2) {
      const int side = i / 32, chunk = i / 4 % 8;
      const auto word = [&](unsigned char *box) { return (uint32_t *)chunk_at(box, row_in_box + i / 2 % 2 * 8, chunk) + thread % 4; };
      differentiate<Activation>(word(end.first[side]), word(end.second[side]), word(end.active[side]), grads + i);
    }
    fence_async();
    sync_threads(1 + group, warpgroup_threads);
    if (thread == 0) store_gradients(end, map, column, row);
  }
  if (thread == 0) wait_stores_read<0>();
}

#endif

template <int Activation> __global__ void __launch_bounds__(product_threads, 1) glu_product_backward(const __grid_constant__ maps map, mb_tile_grid grid) {
#ifdef MB_HOPPER
  MB_DYNAMIC_SHARED(bytes);
  memory &shared = *reinterpret_cast<memory *>(bytes);
  if (threadIdx.x == 0) {
    prepare_ring(shared.ring, 2 * warpgroup_threads / 32);
    barrier_init(shared.loaded, 1);
    barrier_init(shared.loaded + 1, 1);
    fence_barrier_init();
  }
  __syncthreads();
  if (threadIdx.x < warpgroup_threads) {
    give_registers<40>();
    if (threadIdx.x == 0) load_tiles(shared, map, grid);
  } else {
    take_registers<232>();
    multiply_tiles<Activation>(shared, map, grid, (int)(threadIdx.x / warpgroup_threads) - 1);
  }
#else
  stop_elsewhere();
#endif
}

} // namespace

/* views: gradient of h [T, 2I], activation(a) · b [T, I], gradient of y [T, d], weight [d, I], h [T, 2I]; attributes: the activation. Extents are
 * multiples of 8, T of anything. */
void op_glu_product_backward(const mb_call &call) {
  const mb_view &active = call.views[1], &grad = call.views[2];
  const int64_t rows = active.shape[0], columns = active.shape[1], depth = grad.shape[1];
  const auto half_of = [&](const mb_view &h, int64_t first) { return matrix_map((const uint16_t *)h.data + first, rows, columns, 2 * columns, half_rows); };
  const maps map = {
      matrix_map(grad.data, rows, depth, depth, tile_rows),
      matrix_map(call.views[3].data, depth, columns, columns, tile_depth),
      half_of(call.views[4], 0),
      half_of(call.views[4], columns),
      half_of(call.views[0], 0),
      half_of(call.views[0], columns),
      matrix_map(active.data, rows, columns, columns, half_rows),
  };
  const mb_tile_grid grid = tiles_of(rows, columns, tile_columns, depth);
  const auto run = [&](auto kernel) { launch_shared(kernel, persistent_blocks(grid), product_threads, sizeof(memory), call.stream, map, grid); };
  switch ((int)call.attributes[0]) {
    case MB_GELU: return run(glu_product_backward<MB_GELU>);
    case MB_GELU_TANH: return run(glu_product_backward<MB_GELU_TANH>);
    case MB_SILU: return run(glu_product_backward<MB_SILU>);
    default: return run(glu_product_backward<MB_RELU>);
  }
}
