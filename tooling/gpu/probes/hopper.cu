/* What only sm_90a has: wgmma over its layouts, TMA, barriers of the memory, registers of a warpgroup. Whole numbers, so that all sums are exact. */
#include <cstdio>
#include <cstdlib>

#include "base/convert.h"
#include "probe.h"
#include "simt/tensor_map.h"
#include "simt/wgmma.h"

static const char *needs_hopper(void) {
#ifdef __CUDACC__
  if (device_architecture() != 90) return "the device is not of sm_90";
#endif
  return nullptr;
}

#define HOPPER_PROBE(id, name, words, ...)                 \
  static void id##_run(uint32_t *device) { __VA_ARGS__; }  \
  static const add_probe id##_added({name, words, id##_run, needs_hopper})

#ifdef MB_HOPPER
/* From -8 to 8. */
static __device__ uint16_t number_at(unsigned matrix, unsigned row, unsigned column) {
  return bf16_of_f32((float)((matrix * 7919 + row * 131 + column * 37 + row * column * 11) % 17) - 8);
}

/* Where (row, k) of a tile of `rows` x 64 lies: rows of 128 bytes along k, or along rows, with chunks of 16 bytes exchanged. */
static __device__ unsigned tile_place(unsigned rows, unsigned row, unsigned k, bool transposed) {
  const unsigned line = transposed ? k : row, across = transposed ? row : k, lines = transposed ? 64 : rows;
  return across / 64 * lines * 128 + line * 128 + (((across % 64 / 8) ^ (line % 8)) * 16) + across % 8 * 2;
}
#endif

/* out[64 x 2 half] = a · b, 64 deep, of a warpgroup. */
template <int half, int transposed_a, int transposed_b, bool registers> static __global__ void __launch_bounds__(128) products(uint32_t *out) {
#ifdef MB_HOPPER
  MB_DYNAMIC_SHARED(memory);
  const unsigned columns = 2 * half;
  const unsigned thread = threadIdx.x;
  unsigned char *const right = memory + 64 * 128;
  for (unsigned at = thread; at < 64 * 64; at += 128)
    *(uint16_t *)(memory + tile_place(64, at / 64, at % 64, transposed_a)) = number_at(1, at / 64, at % 64);
  for (unsigned at = thread; at < columns * 64; at += 128)
    *(uint16_t *)(right + tile_place(columns, at / 64, at % 64, transposed_b)) = number_at(2, at / 64, at % 64);
  fence_async();
  __syncthreads();
  const unsigned row = 16 * (thread / 32) + thread % 32 / 4;
  const unsigned column = 2 * (thread % 4);
  uint32_t a[4][4];
  for (unsigned step = 0; step < 4; step++)
    for (unsigned i = 0; i < 4; i++) {
      const unsigned r = row + 8 * (i % 2);
      const unsigned k = 16 * step + column + 8 * (i / 2);
      a[step][i] = number_at(1, r, k) | (uint32_t)number_at(1, r, k + 1) << 16;
    }
  float d[half];
  wgmma_fence();
#pragma unroll
  for (unsigned step = 0; step < 4; step++) {
    const uint64_t b = matrix_descriptor(right + step * (transposed_b ? 2048 : 32), 64 * 128, 1024, swizzle::bytes_128);
    const uint64_t left = matrix_descriptor(memory + step * (transposed_a ? 2048 : 32), 64 * 128, 1024, swizzle::bytes_128);
    if constexpr (registers) wgmma<transposed_b>(d, a[step], b, step > 0);
    else wgmma<transposed_a, transposed_b>(d, left, b, step > 0);
  }
  wgmma_commit();
  wgmma_wait<0>(d);
#pragma unroll
  for (unsigned i = 0; i < half; i++) out[(row + 8 * (i / 2 % 2)) * columns + 8 * (i / 4) + column + i % 2] = bits_of(d[i]);
#endif
}

#define PRODUCTS(id, name, half, ta, tb, registers)                                                                                    \
  HOPPER_PROBE(id, name, 128 * half,                                                                                                   \
               launch_shared(products<half, ta, tb, registers>, 1, 128, 64 * 128 + 256 * half, nullptr, device))
PRODUCTS(plain_64, "wgmma n64", 32, 0, 0, false);
PRODUCTS(plain_128, "wgmma n128", 64, 0, 0, false);
PRODUCTS(plain_256, "wgmma n256", 128, 0, 0, false);
PRODUCTS(right_128, "wgmma n128, b along its rows", 64, 0, 1, false);
PRODUCTS(left_128, "wgmma n128, a along its rows", 64, 1, 0, false);
PRODUCTS(held_128, "wgmma n128, a in registers", 64, 0, 0, true);
PRODUCTS(held_right_64, "wgmma n64, a in registers, b along its rows", 32, 0, 1, true);

/* A tensor of 3 x 9 x 40 numbers in rows of 48. */
static __global__ void number_tensor(uint32_t *out) {
  for (unsigned i = threadIdx.x; i < 720; i += 32) out[i] = (2 * i + 100) | (2 * i + 101) << 16;
}

constexpr int tensor_words = 720, box_words = 128, target_words = 180;

/* Loads a box, gives it as it lies in shared memory, and stores its second plane, each number plus one. */
static __global__ void moved(const __grid_constant__ mb_tensor_map from, const __grid_constant__ mb_tensor_map to, uint32_t *out, int x, int y, int z) {
#ifdef MB_HOPPER
  MB_DYNAMIC_SHARED(memory);
  uint64_t *const barrier = (uint64_t *)(memory + 1024);
  if (threadIdx.x == 0) {
    barrier_init(barrier, 1);
    fence_barrier_init();
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    barrier_expect(barrier, 4 * box_words);
    load_box(memory, from, barrier, x, y, z);
  }
  barrier_wait(barrier, 0);
  for (unsigned i = threadIdx.x; i < box_words; i += 32) out[i] = ((uint32_t *)memory)[i];
  __syncthreads();
  for (unsigned i = threadIdx.x; i < 64; i += 32) ((uint32_t *)(memory + 512))[i] = ((uint32_t *)memory)[i] + 0x10001;
  fence_async();
  __syncthreads();
  if (threadIdx.x == 0) {
    store_box(to, memory + 512, x, y);
    commit_stores();
    wait_stores_read<0>();
  }
#endif
}

static void move_box(uint32_t *device, swizzle mode, int x, int y, int z) {
  uint32_t *const target = device + tensor_words, *const seen = target + target_words;
  launch(number_tensor, 1, 32, nullptr, device);
  const mb_tensor_map source = tensor_map(device, {3, {40, 9, 3}, {96, 960}, {32, 4, 2}, mode});
  const mb_tensor_map sink = tensor_map(target, {2, {40, 9}, {80}, {32, 4}, mode});
  launch_shared(moved, 1, 32, 2048, nullptr, source, sink, seen, x, y, z);
}

constexpr int moved_words = tensor_words + target_words + box_words;
HOPPER_PROBE(box_plain, "TMA of a box", moved_words, move_box(device, swizzle::none, 8, 4, 0));
HOPPER_PROBE(box_turned, "TMA of a box, swizzled", moved_words, move_box(device, swizzle::bytes_64, 0, 2, 1));
HOPPER_PROBE(box_outside, "TMA of a box that reaches outside", moved_words, move_box(device, swizzle::bytes_64, 16, 7, 2));
HOPPER_PROBE(box_before, "TMA of a box that begins before", moved_words, move_box(device, swizzle::none, -8, -2, -1));

/* Half of the warps hand numbers to the others through a ring of two, by full and empty barriers. */
static __global__ void handed(uint32_t *out) {
#ifdef MB_HOPPER
  MB_DYNAMIC_SHARED(memory);
  uint64_t *const full = (uint64_t *)(memory + 1024);
  uint64_t *const empty = full + 2;
  uint32_t *const ring = (uint32_t *)memory;
  if (threadIdx.x == 0) {
    for (int i = 0; i < 2; i++) {
      barrier_init(full + i, 32);
      barrier_init(empty + i, 32);
    }
    fence_barrier_init();
  }
  __syncthreads();
  const unsigned lane = threadIdx.x % 32;
  for (unsigned turn = 0; turn < 8; turn++) {
    const unsigned stage = turn % 2;
    const unsigned phase = turn / 2 % 2;
    if (threadIdx.x < 32) {
      barrier_wait(empty + stage, phase ^ 1);
      ring[32 * stage + lane] = scrambled(32 * turn + lane);
      barrier_arrive(full + stage);
    } else {
      barrier_wait(full + stage, phase);
      out[32 * turn + lane] = ring[32 * stage + 31 - lane];
      barrier_arrive(empty + stage);
    }
  }
#endif
}
HOPPER_PROBE(ring, "mbarrier", 256, launch_shared(handed, 1, 64, 2048, nullptr, device));

static __global__ void __launch_bounds__(384, 1) grown(uint32_t *out) {
#ifdef MB_HOPPER
  if (threadIdx.x < 128) give_registers<40>();
  else take_registers<232>();
  sync_threads(1 + threadIdx.x / 128, 128);
  out[threadIdx.x] = scrambled(threadIdx.x);
#endif
}
HOPPER_PROBE(registers, "setmaxnreg and named barriers", 384, launch(grown, 1, 384, nullptr, device));

static __global__ void stored(uint32_t *out) {
#ifdef MB_HOPPER
  MB_DYNAMIC_SHARED(memory);
  const unsigned lane = threadIdx.x;
  store_matrices(memory + 16 * (lane * 5 % 32), scrambled(lane), scrambled(lane + 32), scrambled(lane + 64), scrambled(lane + 96));
  __syncthreads();
  for (unsigned i = lane; i < 128; i += 32) out[i] = ((uint32_t *)memory)[i];
#endif
}
HOPPER_PROBE(store, "stmatrix.x4", 128, launch_shared(stored, 1, 32, 1024, nullptr, device));
