/* A VL × VL transpose in registers, by exchanging ever smaller off-diagonal blocks. */
#ifndef MB_TRANSPOSE_H
#define MB_TRANSPOSE_H

#include "base/command.h"
#include "simd/simd.h"

#if defined(__clang__)
#define MB_SHUFFLE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define MB_SHUFFLE(x, y, ...) __builtin_shuffle(x, y, (vi){__VA_ARGS__})
#endif

/* The masks with which rows i and i + half exchange blocks of half × half lanes: MB_LOW_half gives row i, MB_HIGH_half row i + half. */
#if VL == 16
#define MB_LOW_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define MB_HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define MB_LOW_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define MB_HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define MB_LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define MB_HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define MB_LOW_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define MB_HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#elif VL == 8
#define MB_LOW_4 0, 1, 2, 3, 8, 9, 10, 11
#define MB_HIGH_4 4, 5, 6, 7, 12, 13, 14, 15
#define MB_LOW_2 0, 1, 8, 9, 4, 5, 12, 13
#define MB_HIGH_2 2, 3, 10, 11, 6, 7, 14, 15
#define MB_LOW_1 0, 8, 2, 10, 4, 12, 6, 14
#define MB_HIGH_1 1, 9, 3, 11, 5, 13, 7, 15
#else
#define MB_LOW_2 0, 1, 4, 5
#define MB_HIGH_2 2, 3, 6, 7
#define MB_LOW_1 0, 4, 2, 6
#define MB_HIGH_1 1, 5, 3, 7
#endif

#define MB_EXCHANGE(half)                                      \
  for (int i = 0; i < VL; i++) {                               \
    if (i & half) continue;                                    \
    const vf x = row[i], y = row[i + half];                    \
    row[i] = MB_SHUFFLE(x, y, MB_PASTE(MB_LOW, half));         \
    row[i + half] = MB_SHUFFLE(x, y, MB_PASTE(MB_HIGH, half)); \
  }

static inline __attribute__((always_inline)) void v_transpose(vf row[VL]) {
#if VL == 16
#pragma GCC unroll 16
  MB_EXCHANGE(8)
#endif
#if VL >= 8
#pragma GCC unroll 16
  MB_EXCHANGE(4)
#endif
#pragma GCC unroll 16
  MB_EXCHANGE(2)
#pragma GCC unroll 16
  MB_EXCHANGE(1)
}

/* Lane i: the sum over the lanes of row i. `row` is used up. */
static inline __attribute__((always_inline)) vf v_sums(vf row[VL]) {
  v_transpose(row);
#pragma GCC unroll 4
  for (int half = VL / 2; half > 0; half /= 2)
#pragma GCC unroll 8
    for (int i = 0; i < half; i++) row[i] += row[i + half];
  return row[0];
}

static inline __attribute__((always_inline)) vi v_sums_int(const vi row[VL]) {
  vf block[VL];
#pragma GCC unroll 16
  for (int i = 0; i < VL; i++) block[i] = (vf)row[i];
  v_transpose(block);
  vi sum = (vi)block[0];
#pragma GCC unroll 16
  for (int i = 1; i < VL; i++) sum += (vi)block[i];
  return sum;
}

#endif
