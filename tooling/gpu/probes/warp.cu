/* Matrices of 16-bit numbers in a warp: ldmatrix, mma, conversions of pairs, ballots, asynchronous copies. Whole numbers, so that all sums are exact. */
#include "probe.h"
#include "simt/async_copy.h"
#include "simt/warp.h"

/* 32 rows of 64 bytes, full of numbers; row i of what is loaded lies at a place that only its number tells. */
static __device__ mb_place row_place(unsigned char *memory, unsigned row) { return place_of(memory + 64 * (row * 7 % 32) + 16 * (row % 4)); }

static __device__ void fill_rows(unsigned char *memory) {
  for (unsigned i = threadIdx.x; i < 512; i += 32) reinterpret_cast<uint32_t *>(memory)[i] = scrambled(i);
  __syncthreads();
}

template <int count, bool transposed> static __global__ void loaded(uint32_t *out) {
  MB_DYNAMIC_SHARED(memory);
  fill_rows(memory);
  uint32_t words[count];
  const mb_place row = row_place(memory, threadIdx.x % (8 * count));
  if (transposed) load_transposed(words, row);
  else load_matrices(words, row);
  for (int i = 0; i < count; i++) out[i * 32 + threadIdx.x] = words[i];
}

#define LOADED(id, name, count, transposed) MB_PROBE(id, name, 32 * count, launch_shared(loaded<count, transposed>, 1, 32, 2048, nullptr, device))
LOADED(load_4, "ldmatrix.x4", 4, false);
LOADED(load_2, "ldmatrix.x2", 2, false);
LOADED(load_1, "ldmatrix.x1", 1, false);
LOADED(turn_4, "ldmatrix.x4.trans", 4, true);
LOADED(turn_2, "ldmatrix.x2.trans", 2, true);
LOADED(turn_1, "ldmatrix.x1.trans", 1, true);

/* From -8 to 8. */
static __device__ float small(uint32_t i) { return (float)(scrambled(i) % 17) - 8; }

template <typename number> static __global__ void multiplied(uint32_t *out) {
  uint32_t a[4], b[2];
  float d[4];
  for (unsigned i = 0; i < 4; i++) a[i] = number::pack(small(64 * i + 2 * threadIdx.x), small(64 * i + 2 * threadIdx.x + 1));
  for (unsigned i = 0; i < 2; i++) b[i] = number::pack(small(999 + 64 * i + 2 * threadIdx.x), small(999 + 64 * i + 2 * threadIdx.x + 1));
  for (unsigned i = 0; i < 4; i++) d[i] = small(5000 + 32 * i + threadIdx.x);
  number::mma(d, a, b[0], b[1]);
  for (int i = 0; i < 4; i++) out[i * 32 + threadIdx.x] = bits_of(d[i]);
}
MB_PROBE(mma_of_bf16, "mma m16n8k16 bf16", 128, launch(multiplied<mb_bf16>, 1, 32, nullptr, device));
MB_PROBE(mma_of_f16, "mma m16n8k16 f16", 128, launch(multiplied<mb_f16>, 1, 32, nullptr, device));

/* NaN has many forms; any of them is one here. */
static __device__ uint32_t without_forms(uint32_t half, uint32_t infinity) { return (half & 0x7fff) > infinity ? 0x7fff : half; }

template <typename number, int infinity> static __global__ void packed(uint32_t *out) {
  const uint32_t i = blockIdx.x * 128 + threadIdx.x;
  const uint32_t pair = number::pack(float_of(scrambled(i)), float_of(scrambled(i) % 0x10000000 + 0x38000000));
  out[i] = without_forms(pair & 0xffff, infinity) | without_forms(pair >> 16, infinity) << 16;
}
MB_PROBE(pack_of_bf16, "a pair to bf16", 8192, launch(packed<mb_bf16, 0x7f80>, 64, 128, nullptr, device));
MB_PROBE(pack_of_f16, "a pair to f16", 8192, launch(packed<mb_f16, 0x7c00>, 64, 128, nullptr, device));

template <typename number, int infinity> static __global__ void unpacked(uint32_t *out) {
  const uint32_t i = blockIdx.x * 128 + threadIdx.x;
  float low, high;
  number::unpack(without_forms(i, infinity) | (i ^ 0x8000) << 16, low, high);
  out[2 * i] = low != low ? 1 : bits_of(low);
  out[2 * i + 1] = high != high ? 1 : bits_of(high);
}
MB_PROBE(unpack_of_bf16, "a pair of bf16", 1 << 17, launch(unpacked<mb_bf16, 0x7f80>, 512, 128, nullptr, device));
MB_PROBE(unpack_of_f16, "a pair of f16", 1 << 17, launch(unpacked<mb_f16, 0x7c00>, 512, 128, nullptr, device));

static __global__ void ballots(uint32_t *out) { out[threadIdx.x] = lanes_where(scrambled(threadIdx.x) % 3 == 0); }
MB_PROBE(ballot, "ballot", 64, launch(ballots, 1, 64, nullptr, device));

/* Two groups of copies; every third is zeros. */
static __global__ void copied(uint32_t *out) {
  MB_DYNAMIC_SHARED(memory);
  for (unsigned i = 0; i < 4; i++) out[4 * threadIdx.x + i] = scrambled(4 * threadIdx.x + i);
  __syncthreads();
  const mb_place own = place_of(memory + 16 * threadIdx.x), far = place_of(memory + 16 * (64 + threadIdx.x));
  copy_or_clear(own, out + 4 * (63 - threadIdx.x), threadIdx.x % 3 != 0);
  commit_copies();
  copy_or_clear(far, out + 4 * threadIdx.x, threadIdx.x % 3 != 1);
  commit_copies();
  wait_copies<1>();
  __syncthreads();
  const uint32_t first = reinterpret_cast<uint32_t *>(memory)[4 * (63 - threadIdx.x)];
  wait_copies<0>();
  __syncthreads();
  out[256 + threadIdx.x] = first;
  out[320 + threadIdx.x] = reinterpret_cast<uint32_t *>(memory)[256 + 4 * (63 - threadIdx.x) + 1];
}
MB_PROBE(copies, "cp.async", 384, launch_shared(copied, 1, 64, 2048, nullptr, device));
