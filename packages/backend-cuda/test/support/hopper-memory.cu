/* More kernels for hopper.cu: boxes, barriers, stores of matrices, registers. */
#include <cstdio>
#include <cstring>
#include <vector>

#include "simt/tensor_map.h"

typedef uint16_t bf16;

enum class fault { no, early, no_expect, short_expect, no_init_fence, no_init, no_store_fence, store_overwritten, no_store_wait, load_over_load, unwaited };

constexpr int extents[] = {40, 9, 3}, box[] = {32, 4, 2};

/* Loads a box and stores it elsewhere. */
static __global__ void move_box(const __grid_constant__ mb_tensor_map from, const __grid_constant__ mb_tensor_map to, bf16 *seen, int x, int y, int z,
                                fault wrong) {
  MB_DYNAMIC_SHARED(memory);
  uint64_t *const barrier = (uint64_t *)(memory + 2048);
  constexpr unsigned bytes = 32 * 4 * 2 * 2;
  if (threadIdx.x == 0) {
    if (wrong != fault::no_init) barrier_init(barrier, 1);
    if (wrong != fault::no_init_fence) fence_barrier_init();
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    if (wrong != fault::no_expect) barrier_expect(barrier, wrong == fault::short_expect ? bytes - 16 : bytes);
    load_box(memory, from, barrier, x, y, z);
    if (wrong == fault::load_over_load) load_box(memory, from, barrier, x, y, z);
  }
  if (wrong == fault::unwaited) return;
  if (wrong != fault::early) barrier_wait(barrier, 0);
  for (unsigned at = threadIdx.x; at < bytes / 2; at += 32) seen[at] = ((bf16 *)memory)[at];
  /* A plane of it, each number plus one, as a box of two axes. */
  for (unsigned at = threadIdx.x; at < 128; at += 32) ((bf16 *)(memory + 1024))[at] = ((bf16 *)memory)[at] + 1;
  if (wrong != fault::no_store_fence) fence_async();
  __syncthreads();
  if (threadIdx.x == 0) {
    store_box(to, memory + 1024, x, y);
    commit_stores();
    if (wrong == fault::store_overwritten) memory[1024] ^= 1;
    if (wrong != fault::no_store_wait) wait_stores_read<0>();
  }
}

/* Differences from the plain definition, of what was loaded and of what was stored. */
static int moved(int x, int y, int z, swizzle mode, fault wrong) {
  std::vector<bf16> from(48 * 10 * 3), to(40 * 9, 7), seen(256, 7);
  for (size_t i = 0; i < from.size(); i++) from[i] = (bf16)(i + 100);
  const mb_tensor_map source = tensor_map(from.data(), {3, {40, 9, 3}, {96, 960}, {32, 4, 2}, mode});
  const mb_tensor_map target = tensor_map(to.data(), {2, {40, 9}, {80}, {32, 4}, mode});
  launch_shared(move_box, 1, 32, 2048 + 64, nullptr, source, target, seen.data(), x, y, z, wrong);
  int faults = 0;
  const auto inside = [&](int i, int j, int k) { return i >= 0 && j >= 0 && k >= 0 && i < extents[0] && j < extents[1] && k < extents[2]; };
  for (int k = 0; k < box[2]; k++)
    for (int j = 0; j < box[1]; j++)
      for (int i = 0; i < box[0]; i++) {
        const int row = j + box[1] * k, chunk = mode == swizzle::none ? i / 8 : (i / 8) ^ (row / 2 % 4);
        const bf16 want = inside(x + i, y + j, z + k) ? from[(size_t)(x + i) + 48 * (size_t)(y + j) + 480 * (size_t)(z + k)] : 0;
        faults += seen[(size_t)(row * 32 + chunk * 8 + i % 8)] != want;
      }
  for (int j = 0; j < extents[1]; j++)
    for (int i = 0; i < extents[0]; i++) {
      const bool written = i >= x && i < x + box[0] && j >= y && j < y + box[1];
      const bf16 old = inside(i, j, z) ? from[(size_t)i + 48 * (size_t)j + 480 * (size_t)z] : 0;
      faults += to[(size_t)(40 * j + i)] != (written ? (bf16)(old + 1) : 7);
    }
  return faults;
}

int boxes(const char *name) {
  if (strcmp(name, "boxes") == 0) {
    for (const swizzle mode : {swizzle::none, swizzle::bytes_64})
      for (const int x : {0, 8, 16, -8})
        for (const int y : {0, 4, 7, -2})
          for (const int z : {0, 2, -1}) printf("%d ", moved(x, y, z, mode, fault::no));
    return 0;
  }
  if (strcmp(name, "maps") == 0) {
    alignas(16) static bf16 data[64];
    const auto refused = [](const void *at, const mb_box_shape &shape) {
      mb_tensor_map map;
      return encode_tensor_map(&map, at, shape) != 0;
    };
    const mb_box_shape good = {2, {64, 9}, {128}, {64, 8}, swizzle::bytes_128};
    mb_box_shape wrong[8] = {good, good, good, good, good, good, good, {3, {64, 9, 2}, {256, 128}, {64, 8, 1}, swizzle::bytes_128}};
    wrong[0].strides[0] = 120;
    wrong[1].strides[0] = 1ull << 40;
    wrong[2].box[1] = 257;
    wrong[3].box[0] = 72; /* more than the swizzle's 128 bytes */
    wrong[4].box[1] = 0;
    wrong[5].extents[1] = 0;
    wrong[6].axes = 6;
    printf("%d %d ", refused(data, good), refused(data + 4, good));
    for (const mb_box_shape &shape : wrong) printf("%d ", refused(data, shape));
    return 0;
  }
  const struct {
    const char *name;
    fault wrong;
  } faults[] = {{"read before the bytes come", fault::early},     {"bytes nobody expects", fault::no_expect},
                {"too few bytes expected", fault::short_expect},  {"barrier without its fence", fault::no_init_fence},
                {"no barrier", fault::no_init},                   {"store without proxy fence", fault::no_store_fence},
                {"store overwritten", fault::store_overwritten},  {"store nobody waits for", fault::no_store_wait},
                {"load over a load", fault::load_over_load},      {"load nobody waits for", fault::unwaited}};
  for (const auto &one : faults)
    if (strcmp(name, one.name) == 0) return printf("%d", moved(0, 0, 0, swizzle::bytes_64, one.wrong)), 0;
  return 1;
}

/* A ring of two places: one warp makes numbers, another adds them up. */
static __global__ void ring(int *out, bool waits) {
  MB_DYNAMIC_SHARED(memory);
  uint64_t *const full = (uint64_t *)memory, *const empty = full + 2;
  int *const values = (int *)(memory + 64);
  if (threadIdx.x == 0) {
    for (int i = 0; i < 2; i++) barrier_init(full + i, 32), barrier_init(empty + i, 32);
    fence_barrier_init();
  }
  __syncthreads();
  int sum = 0;
  for (int turn = 0; turn < 10; turn++) {
    const int place = turn % 2, phase = turn / 2 % 2;
    if (threadIdx.x < 32) {
      if (waits) barrier_wait(empty + place, (unsigned)phase ^ 1);
      values[32 * place + threadIdx.x] = 100 * turn + (int)threadIdx.x;
      barrier_arrive(full + place);
    } else {
      barrier_wait(full + place, (unsigned)phase);
      sum += values[32 * place + 63 - threadIdx.x];
      barrier_arrive(empty + place);
    }
  }
  out[threadIdx.x] = sum;
}

static __global__ void named(int *out, unsigned count) {
  MB_DYNAMIC_SHARED(memory);
  int *const values = (int *)memory;
  const unsigned half = threadIdx.x / 64;
  values[threadIdx.x] = (int)threadIdx.x;
  if (threadIdx.x < 64 || count == 64) sync_threads(1 + half, count);
  out[threadIdx.x] = values[64 * half + 63 - threadIdx.x % 64];
}

static __global__ void matrices(int *out) {
  MB_DYNAMIC_SHARED(memory);
  const uint32_t lane = threadIdx.x;
  store_matrices(memory + 16 * (31 - lane), lane, lane + 100, lane + 200, lane + 300);
  __syncwarp();
  for (unsigned i = 0; i < 4; i++) out[4 * lane + i] = ((int *)memory)[4 * lane + i];
}

template <unsigned more> static __global__ void registers(int *out) {
  if (threadIdx.x < 128) give_registers<40>();
  else take_registers<more>();
  out[threadIdx.x] = 1;
}

int barriers(const char *name) {
  std::vector<int> out(384);
  if (strcmp(name, "ring") == 0) launch_shared(ring, 1, 64, 1024, nullptr, out.data(), true);
  else if (strcmp(name, "ring without waits") == 0) launch_shared(ring, 1, 64, 1024, nullptr, out.data(), false);
  else if (strcmp(name, "named barriers") == 0) launch_shared(named, 1, 128, 1024, nullptr, out.data(), 64u);
  else if (strcmp(name, "a named barrier of too many") == 0) launch_shared(named, 1, 128, 1024, nullptr, out.data(), 128u);
  else if (strcmp(name, "matrices") == 0) launch_shared(matrices, 1, 32, 1024, nullptr, out.data());
  else if (strcmp(name, "registers") == 0) launch(registers<232>, 1, 384, nullptr, out.data());
  else if (strcmp(name, "too many registers") == 0) launch(registers<240>, 1, 384, nullptr, out.data());
  else return 1;
  for (const int value : out) printf("%d ", value);
  return 0;
}
