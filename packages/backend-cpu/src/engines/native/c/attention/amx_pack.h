/* Packs rows of qkv as operands of the tile products (attention/amx_block.h). `dim` is a multiple of 32. */
#ifndef MB_ATTENTION_AMX_PACK_H
#define MB_ATTENTION_AMX_PACK_H

#include "attention/amx_block.h"
#include "simd/transpose.h"

#if defined(__AMX_BF16__)

/* B with a row of `from` as a line: up to 32 rows, zeros after them. [dim / 32] blocks. */
static inline void pack_lines_b(char *to, const float *from, int64_t stride, int64_t rows, int64_t dim, float scale) {
  for (int64_t d = 0; d < dim; d += 32, to += AMX_BLOCK_BYTES)
    for (int tile = 0; tile < 2; tile++) {
      vf low[VL], high[VL];
      for (int r = 0; r < VL; r++) {
        const int64_t row = tile * VL + r;
        const float *at = from + row * stride + d;
        low[r] = row < rows ? scale * v_load(at) : v_set(0);
        high[r] = row < rows ? scale * v_load(at + VL) : v_set(0);
      }
      v_transpose(low);
      v_transpose(high);
#pragma GCC unroll 16
      for (int r = 0; r < VL; r++) amx_split(to + tile * MB_AMX_TILE_BYTES + r * 64, low[r], high[r]);
    }
}

/* A with a row of `from` as a line. */
static inline void pack_lines_a(char *to, const float *from, int64_t stride, int64_t rows, int64_t dim, float scale) {
  for (int64_t r = 0; r < 32; r++)
    for (int64_t d = 0; d < dim; d += 32) {
      const float *at = from + r * stride + d;
      char *line = to + d / 32 * AMX_BLOCK_BYTES + r / 16 * MB_AMX_TILE_BYTES + r % 16 * 64;
      if (r < rows) amx_split(line, scale * v_load(at), scale * v_load(at + VL));
      else amx_split(line, v_set(0), v_set(0));
    }
}

/* A with a column of `from` as a line, its rows as depth. */
static inline void pack_columns_a(char *to, const float *from, int64_t stride, int64_t rows, int64_t dim) {
  for (int64_t d = 0; d < dim; d += 16) {
    vf low[VL], high[VL];
    for (int r = 0; r < VL; r++) {
      low[r] = r < rows ? v_load(from + r * stride + d) : v_set(0);
      high[r] = VL + r < rows ? v_load(from + (VL + r) * stride + d) : v_set(0);
    }
    v_transpose(low);
    v_transpose(high);
    char *tile = to + d / 32 * AMX_BLOCK_BYTES + d % 32 / 16 * MB_AMX_TILE_BYTES;
#pragma GCC unroll 16
    for (int r = 0; r < VL; r++) amx_split(tile + r * 64, low[r], high[r]);
  }
}

/* B with a column of `from` as a line. */
static inline void pack_columns_b(char *to, const float *from, int64_t stride, int64_t rows, int64_t dim) {
  for (int64_t r = 0; r < VL; r++)
    for (int64_t d = 0; d < dim; d += VL) {
      const float *at = from + r * stride + d;
      const vf low = r < rows ? v_load(at) : v_set(0), high = r + VL < rows ? v_load(at + VL * stride) : v_set(0);
      amx_split(to + d / 32 * AMX_BLOCK_BYTES + d % 32 / 16 * MB_AMX_TILE_BYTES + r * 64, low, high);
    }
}

#endif
#endif
