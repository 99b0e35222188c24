/* Products and copies of a warp beside their plain definitions, by name: prints `right`, or the first place that is wrong. */
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "simt/async_copy.h"
#include "simt/warp.h"

/* Whole numbers below 16: exact in every dtype, and so are their products. */
static int number(int row, int column, int seed) { return (row * 7 + column * 5 + row * column * 3 + seed) % 31 - 15; }

constexpr int line = 48; /* bytes of a row: a multiple of 16 that is none of 32 */

/* d [32][4] of lanes = a [16][16] · b, which lies as [8][16] or, loaded across, as [16][8]; two of them in one load of four matrices. */
template <typename T, bool ACROSS> static __global__ void multiply(float *d) {
  MB_DYNAMIC_SHARED(memory);
  const int lane = (int)threadIdx.x % 32;
  const auto put = [&](int at, int row, int column, int value) {
    const uint32_t packed = T::pack((float)value, 0);
    memcpy(memory + at + row * line + column * 2, &packed, 2);
  };
  for (int i = (int)threadIdx.x; i < 256; i += 64) put(0, i / 16, i % 16, number(i / 16, i % 16, 1));
  for (int i = (int)threadIdx.x; i < 256; i += 64) {
    const int k = i % 16, n = i / 16;
    ACROSS ? put(16 * line, k, n, number(k, n, 2)) : put(16 * line, n, k, number(k, n, 2));
  }
  __syncthreads();
  const mb_place a_at = place_of(memory), b_at = a_at + 16 * line;
  uint32_t a[4], b[4], one[1], two[2];
  load_matrices(a, a_at + (lane % 16) * line + lane / 16 * 16);
  if (ACROSS) load_transposed(b, b_at + (lane % 16) * line + lane / 16 * 16);
  else load_matrices(b, b_at + (lane / 16 * 8 + lane % 8) * line + lane / 8 % 2 * 16);
  float sums[2][4] = {{1, 2, 3, 4}, {1, 2, 3, 4}};
  T::mma(sums[0], a, b[0], b[1]);
  T::mma(sums[1], a, b[2], b[3]);
  /* Loads of two matrices and of one give the same as the load of four. */
  ACROSS ? load_transposed(two, b_at + (lane % 16) * line) : load_matrices(two, b_at + (lane % 8) * line + lane / 8 % 2 * 16);
  ACROSS ? load_transposed(one, b_at + (lane % 8) * line) : load_matrices(one, b_at + (lane % 8) * line);
  const bool same = two[0] == b[0] && two[1] == b[1] && one[0] == b[0];
  for (int i = 0; i < 8; i++) d[threadIdx.x * 8 + i] = same ? sums[i / 4][i % 4] : NAN;
}

template <typename T, bool ACROSS> static void check_product() {
  static float d[64 * 8];
  launch_shared(multiply<T, ACROSS>, 1, 64, 32 * line, nullptr, d);
  for (int at = 0; at < 64 * 8; at++) {
    const int lane = at / 8 % 32, n = at / 4 % 2, e = at % 4;
    const int row = lane / 4 + e / 2 * 8, column = 8 * n + lane % 4 * 2 + e % 2;
    int sum = e + 1;
    for (int k = 0; k < 16; k++) sum += number(row, k, 1) * number(k, column, 2);
    if (d[at] != (float)sum) {
      printf("expected %d at row %d, column %d, got %g\n", sum, row, column, d[at]);
      exit(1);
    }
  }
  printf("right\n");
}

/* Thread i copies 16 bytes in each of two groups; the second of an odd thread is cleared. Four answers each: the first word before any wait, the
 * first and the second's after one wait, the second's after both. */
static __global__ void copy(const uint32_t *from, uint32_t *out) {
  MB_DYNAMIC_SHARED(memory);
  const unsigned i = threadIdx.x;
  const mb_place to = place_of(memory) + 16 * i;
  memset(memory + 16 * i, 0, 16);
  memset(memory + 1024 + 16 * i, 0, 16);
  const auto word = [&](unsigned at) { return *reinterpret_cast<const uint32_t *>(memory + at + 16 * i); };
  copy_or_clear(to, from + 4 * i, true);
  commit_copies();
  copy_or_clear(to + 1024, from + 4 * i + 256, i % 2 == 0);
  commit_copies();
  out[4 * i] = word(0);
  wait_copies<1>();
  out[4 * i + 1] = word(0);
  out[4 * i + 2] = word(1024);
  wait_copies<0>();
  out[4 * i + 3] = word(1024);
}

static void check_copies() {
  alignas(16) static uint32_t from[512], out[256];
  for (unsigned i = 0; i < 512; i++) from[i] = 1000 + i;
  launch_shared(copy, 1, 64, 2048, nullptr, (const uint32_t *)from, out);
  for (unsigned i = 0; i < 64; i++) {
    const uint32_t want[4] = {~0u, from[4 * i], ~0u, i % 2 == 0 ? from[4 * i + 256] : 0};
    if (memcmp(out + 4 * i, want, 16) == 0) continue;
    printf("thread %u: expected %u %u %u %u, got %u %u %u %u\n", i, want[0], want[1], want[2], want[3], out[4 * i], out[4 * i + 1], out[4 * i + 2],
           out[4 * i + 3]);
    exit(1);
  }
  printf("right\n");
}

static __global__ void others(unsigned *out) {
  const unsigned odd = lanes_where(threadIdx.x % 2 == 1), high = lanes_where(threadIdx.x % 32 > 29);
  float low, top, low16, top16;
  unpack_bf16(pack_bf16(1.5f, -0.1f), low, top);
  unpack_f16(pack_f16(1.5f, -0.1f), low16, top16);
  const bool packed = low == 1.5f && top == -0.10009765625f && low16 == 1.5f && top16 == -0.0999755859375f;
  const bool powers = fast_exp2(3) == 8 && fast_exp2(-INFINITY) == 0 && fast_exp2(-130) == 0 && fast_exp2(NAN) != fast_exp2(NAN);
  out[threadIdx.x] = odd == 0xaaaaaaaa && high == 0xc0000000 && packed && powers;
}

static void check_others() {
  static unsigned out[64];
  launch(others, 1, 64, nullptr, out);
  for (unsigned i = 0; i < 64; i++)
    if (out[i] != 1) {
      printf("thread %u is wrong\n", i);
      exit(1);
    }
  printf("right\n");
}

static __global__ void misuse(int kind) {
  MB_DYNAMIC_SHARED(memory);
  alignas(16) static uint32_t from[8];
  const mb_place at = place_of(memory);
  uint32_t to[4];
  if (kind == 0) load_matrices(to, at + 8);
  if (kind == 1) load_matrices(to, at + 512);
  if (kind == 2) copy_or_clear(at + 4, from, true);
  if (kind == 3) copy_or_clear(at, from + 1, true);
  if (kind == 4 && threadIdx.x < 16) load_matrices(to, at);
}

int main(int, char **arguments) {
  const char *const what = arguments[1];
  const char *const misuses[] = {"a row off its place", "a row outside", "a copy to a wrong place", "a copy from a wrong place", "half a warp"};
  for (int kind = 0; kind < 5; kind++)
    if (strcmp(what, misuses[kind]) == 0) launch_shared(misuse, 1, 32, 512, nullptr, kind);
  if (strcmp(what, "products of bf16") == 0) check_product<mb_bf16, false>();
  if (strcmp(what, "products of bf16, loaded across") == 0) check_product<mb_bf16, true>();
  if (strcmp(what, "products of f16") == 0) check_product<mb_f16, false>();
  if (strcmp(what, "products of f16, loaded across") == 0) check_product<mb_f16, true>();
  if (strcmp(what, "copies") == 0) check_copies();
  if (strcmp(what, "votes and conversions") == 0) check_others();
}
