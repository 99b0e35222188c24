/* A radix sort, eight bits a pass from the lowest, two launches each: blocks count their digits, then move their keys to where the counts of all
 * blocks say. A warp has neighbouring keys, 32 at a time: lanes of one digit find one another, and so the order of equal keys stays. */
#include "kernels/primitives/sort_ids.h"
#include "simt/arithmetic.h"

constexpr int digits = 256, warps = 8, keys_of_thread = 8;
constexpr unsigned sort_threads = 32 * warps;
constexpr int64_t block_keys = sort_threads * keys_of_thread;
constexpr uint32_t no_digit = digits;

/* The keys of a pass: those of ids in the first, else what the one before has sorted. */
struct sort_pass {
  const int32_t *ids; /* or nullptr */
  int64_t columns;    /* ids of a row */
  uint32_t limit;
  mb_id_check check;
  const uint32_t *keys, *positions;
  uint32_t *next_keys, *next_positions;
  uint32_t *counts; /* [blocks][digits] */
  int64_t size;
  int shift;
};

static __device__ uint32_t key_at(const sort_pass &p, int64_t at) {
  if (p.ids == nullptr) return p.keys[at];
  const int32_t id = p.ids[at];
  return id < 0 || id >= p.check.count ? p.limit : (uint32_t)(at / p.columns * p.check.count + id);
}

/* The k-th key of this thread. */
static __device__ int64_t place(int k) { return blockIdx.x * block_keys + threadIdx.x / 32 * (32 * keys_of_thread) + 32 * k + threadIdx.x % 32; }

/* The keys of this thread, and for each how many keys of its digit stand before it in the warp's; leaves the counts of all in `counts`. */
static __device__ void rank_keys(const sort_pass &p, uint32_t (&counts)[warps][digits], uint32_t (&keys)[keys_of_thread], uint32_t (&ranks)[keys_of_thread]) {
  const int warp = threadIdx.x / 32;
  const unsigned below = (1u << threadIdx.x % 32) - 1;
  for (int w = 0; w < warps; w++) counts[w][threadIdx.x] = 0;
  __syncthreads();
#pragma unroll
  for (int k = 0; k < keys_of_thread; k++) {
    const bool there = place(k) < p.size;
    keys[k] = there ? key_at(p, place(k)) : 0;
    const uint32_t digit = there ? keys[k] >> p.shift & (digits - 1) : no_digit;
    const unsigned equal = match_lanes(digit);
    ranks[k] = there ? counts[warp][digit] + (uint32_t)__popc(equal & below) : 0;
    __syncwarp();
    if (there && (equal & below) == 0) counts[warp][digit] += (uint32_t)__popc(equal);
    __syncwarp();
  }
  __syncthreads();
}

static __global__ void __launch_bounds__(sort_threads) count_digits(const sort_pass p) {
  MB_SHARED(uint32_t, counts, [warps][digits]);
  uint32_t keys[keys_of_thread], ranks[keys_of_thread], total = 0;
  rank_keys(p, counts, keys, ranks);
  for (int w = 0; w < warps; w++) total += counts[w][threadIdx.x];
  p.counts[blockIdx.x * (int64_t)digits + threadIdx.x] = total;
  for (int k = 0; k < keys_of_thread && p.ids; k++)
    if (place(k) < p.size) bad_id(p.check, p.ids[place(k)]);
}

/* Thread d: how many keys have a digit below d. `sums` is memory of the block. */
static __device__ uint32_t keys_below(uint32_t total, uint32_t (&sums)[2][digits]) {
  int now = 0;
  sums[now][threadIdx.x] = total;
  for (unsigned distance = 1; distance < digits; distance *= 2, now ^= 1) {
    __syncthreads();
    sums[now ^ 1][threadIdx.x] = sums[now][threadIdx.x] + (threadIdx.x >= distance ? sums[now][threadIdx.x - distance] : 0);
  }
  return sums[now][threadIdx.x] - total;
}

static __global__ void __launch_bounds__(sort_threads) move_keys(const sort_pass p) {
  MB_SHARED(uint32_t, counts, [warps][digits]);
  MB_SHARED(uint32_t, sums, [2][digits]);
  uint32_t keys[keys_of_thread], ranks[keys_of_thread];
  rank_keys(p, counts, keys, ranks);
  /* Thread d: where the keys of digit d begin, of each warp in turn. */
  uint32_t before = 0, total = 0;
  for (int64_t block = 0; block < gridDim.x; block++) {
    const uint32_t count = p.counts[block * digits + threadIdx.x];
    if (block < blockIdx.x) before += count;
    total += count;
  }
  before += keys_below(total, sums);
  for (int w = 0; w < warps; w++) {
    const uint32_t count = counts[w][threadIdx.x];
    counts[w][threadIdx.x] = before;
    before += count;
  }
  __syncthreads();
#pragma unroll
  for (int k = 0; k < keys_of_thread; k++) {
    if (place(k) >= p.size) continue;
    const int64_t to = counts[threadIdx.x / 32][keys[k] >> p.shift & (digits - 1)] + (int64_t)ranks[k];
    p.next_keys[to] = keys[k];
    p.next_positions[to] = p.ids ? (uint32_t)place(k) : p.positions[place(k)];
  }
}

sorted_ids sort_ids(const mb_call &call, const mb_view &ids, int64_t range, const mb_view *memory) {
  const int64_t size = size_of(ids), rows = ids.rank == 1 ? 1 : ids.shape[0], blocks = (size + block_keys - 1) / block_keys;
  uint32_t *const keys = (uint32_t *)memory[0].data, *const positions = (uint32_t *)memory[1].data;
  sort_pass p = {(const int32_t *)ids.data, ids.shape[ids.rank - 1], (uint32_t)(rows * range), id_check(call, range), nullptr, nullptr, keys, positions,
                 (uint32_t *)memory[2].data, size, 0};
  int pass = 0;
  do {
    p.shift = 8 * pass;
    launch(count_digits, blocks, sort_threads, call.stream, p);
    launch(move_keys, blocks, sort_threads, call.stream, p);
    p.ids = nullptr, p.keys = p.next_keys, p.positions = p.next_positions;
    pass++;
    p.next_keys = keys + pass % 2 * size, p.next_positions = positions + pass % 2 * size;
  } while (pass < 4 && p.limit >> (8 * pass) != 0);
  return {p.keys, p.positions, size, p.limit};
}
