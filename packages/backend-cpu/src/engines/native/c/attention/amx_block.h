/* Products of blocks on AMX tiles, to f32 accuracy: of the nine products of parts (amx/parts.h) the six largest are summed in f32. What is
 * left out is below 2^-21 |a·b|, on average 2^-24: less than the sums round. Parts and sums below 2^-126 count as 0. An infinite operand has
 * NaN parts, so infinities come out as NaN.
 *
 * A block is an operand of 32 lines by 32 of depth, [part][tile of 16 lines]. Tiles of A are [line][depth], tiles of B [depth][line], both
 * with the depths k and k + 16 in one 32-bit word. */
#ifndef MB_ATTENTION_AMX_BLOCK_H
#define MB_ATTENTION_AMX_BLOCK_H

#include "amx/parts.h"
#include "amx/tile.h"

#if defined(__AMX_BF16__)
#define AMX_BLOCK_LINES (2 * MB_AMX_TILE_LINES) /* also its depth */
#define AMX_BLOCK_BYTES (MB_AMX_PARTS * 2 * MB_AMX_TILE_BYTES)

/* Stores the parts of a row of a tile: x with the lower of two depths, y with the upper one. */
static inline __attribute__((always_inline)) void amx_split(char *to, vf x, vf y) {
  mb_amx_split_truncated(x, y, to, 2 * MB_AMX_TILE_BYTES);
}

/* Sums are tiles 0…3: [tile of A][tile of B]. */
static inline __attribute__((always_inline)) void amx_zero(void) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

#define AMX_A(part)                                       \
  _tile_loadd(4, a + (part) * 2 * MB_AMX_TILE_BYTES, 64); \
  _tile_loadd(5, a + (part) * 2 * MB_AMX_TILE_BYTES + MB_AMX_TILE_BYTES, 64)
#define AMX_B(part)                                       \
  _tile_loadd(6, b + (part) * 2 * MB_AMX_TILE_BYTES, 64); \
  _tile_loadd(7, b + (part) * 2 * MB_AMX_TILE_BYTES + MB_AMX_TILE_BYTES, 64)
#define AMX_MULTIPLY       \
  _tile_dpbf16ps(0, 4, 6); \
  _tile_dpbf16ps(1, 4, 7); \
  _tile_dpbf16ps(2, 5, 6); \
  _tile_dpbf16ps(3, 5, 7)

/* sums += A · B over one block of depth, as six steps of four instructions, so that other work can go in between. Each step changes one
 * operand only. */
static inline __attribute__((always_inline)) void amx_add_step(int step, const char *a, const char *b) {
  switch (step) {
    case 0: AMX_A(0); AMX_B(2); break;
    case 1: AMX_B(1); break;
    case 2: AMX_A(1); break;
    case 3: AMX_B(0); break;
    case 4: AMX_A(0); break;
    default: AMX_A(2);
  }
  AMX_MULTIPLY;
}

static inline __attribute__((always_inline)) void amx_add_product(const char *a, const char *b) {
#pragma GCC unroll 6
  for (int step = 0; step < 6; step++) amx_add_step(step, a, b);
}

/* Writes the sums to a block of 32 × 32 floats in rows of `stride`. */
static inline __attribute__((always_inline)) void amx_store(float *to, int64_t stride) {
  _tile_stored(0, to, stride * 4);
  _tile_stored(1, to + 16, stride * 4);
  _tile_stored(2, to + 16 * stride, stride * 4);
  _tile_stored(3, to + 16 * stride + 16, stride * 4);
}

/* Begins with the sums in a block of floats. */
static inline __attribute__((always_inline)) void amx_load(const float *from, int64_t stride) {
  _tile_loadd(0, from, stride * 4);
  _tile_loadd(1, from + 16, stride * 4);
  _tile_loadd(2, from + 16 * stride, stride * 4);
  _tile_loadd(3, from + 16 * stride + 16, stride * 4);
}

#endif
#endif
