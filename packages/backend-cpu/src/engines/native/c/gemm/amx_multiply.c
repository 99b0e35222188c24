/* The micro-kernel of gemm/amx.c: up to 2 × 2 tiles of C. */
#include "gemm/amx.h"

#if defined(__AMX_BF16__)
#include "simd/simd.h"

#define LOAD_A(part)                                         \
  _tile_loadd(4, a + (part) * rows * MB_AMX_TILE_BYTES, 64); \
  if (rows == 2) _tile_loadd(5, a + ((part) * 2 + 1) * MB_AMX_TILE_BYTES, 64);
#define LOAD_B(part)                                            \
  _tile_loadd(6, b + (part) * columns * MB_AMX_TILE_BYTES, 64); \
  if (columns == 2) _tile_loadd(7, b + ((part) * 2 + 1) * MB_AMX_TILE_BYTES, 64);
#define MULTIPLY                             \
  _tile_dpbf16ps(0, 4, 6);                   \
  if (columns == 2) _tile_dpbf16ps(1, 4, 7); \
  if (rows == 2) _tile_dpbf16ps(2, 5, 6);    \
  if (rows == 2 && columns == 2) _tile_dpbf16ps(3, 5, 7);

/* `rows` × `columns` tiles of C over `steps` steps. */
static inline __attribute__((always_inline)) void multiply(int rows, int columns, int64_t steps, const char *a, const char *b, float *c,
                                                           int64_t c_row, int add, mb_amx_prefetch next) {
  const int64_t stride = c_row * 4;
  __asm__ volatile("" ::: "memory");
  if (add) {
    _tile_loadd(0, c, stride);
    if (columns == 2) _tile_loadd(1, c + MB_AMX_TILE_LINES, stride);
    if (rows == 2) _tile_loadd(2, c + MB_AMX_TILE_LINES * c_row, stride);
    if (rows == 2 && columns == 2) _tile_loadd(3, c + MB_AMX_TILE_LINES * c_row + MB_AMX_TILE_LINES, stride);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t step = 0; step < steps; step++) {
    LOAD_A(2) LOAD_B(0) MULTIPLY
    LOAD_A(1) MULTIPLY
    LOAD_B(1) MULTIPLY
    LOAD_A(0) MULTIPLY
    LOAD_B(2) MULTIPLY
    LOAD_B(0) MULTIPLY
    a += rows * MB_AMX_UNIT_BYTES;
    b += columns * MB_AMX_UNIT_BYTES;
    if (!add && step < MB_AMX_TILE_LINES / 2)
      for (int64_t row = step; row < rows * MB_AMX_TILE_LINES; row += MB_AMX_TILE_LINES / 2) {
        __builtin_prefetch(c + row * c_row, 1);
        if (columns == 2) __builtin_prefetch(c + row * c_row + MB_AMX_TILE_LINES, 1);
      }
    for (int64_t line = 0; line < next.lines; line++) {
      __builtin_prefetch(next.from + line * next.line_stride, 0, 2);
      __builtin_prefetch(next.from + line * next.line_stride + 16, 0, 2);
    }
    next.from += next.step_stride;
  }
  _tile_stored(0, c, stride);
  if (columns == 2) _tile_stored(1, c + MB_AMX_TILE_LINES, stride);
  if (rows == 2) _tile_stored(2, c + MB_AMX_TILE_LINES * c_row, stride);
  if (rows == 2 && columns == 2) _tile_stored(3, c + MB_AMX_TILE_LINES * c_row + MB_AMX_TILE_LINES, stride);
}

void MB_FN(mb_amx_multiply)(int64_t rows, int64_t columns, int64_t depth, const char *a, const char *b, float *c, int64_t c_row,
                             int add, mb_amx_prefetch next) {
  const int64_t row_tiles = mb_amx_tiles(rows), column_tiles = mb_amx_tiles(columns), steps = mb_amx_steps(depth);
  const int whole = rows == row_tiles * MB_AMX_TILE_LINES && columns == column_tiles * MB_AMX_TILE_LINES;
  _Alignas(64) float edge[MB_AMX_PANEL_LINES * MB_AMX_PANEL_LINES];
  float *to = whole ? c : edge;
  const int64_t stride = whole ? c_row : MB_AMX_PANEL_LINES;
  const int load = whole && add;
  if (row_tiles == 2 && column_tiles == 2) multiply(2, 2, steps, a, b, to, stride, load, next);
  else if (row_tiles == 2) multiply(2, 1, steps, a, b, to, stride, load, next);
  else if (column_tiles == 2) multiply(1, 2, steps, a, b, to, stride, load, next);
  else multiply(1, 1, steps, a, b, to, stride, load, next);
  if (whole) return;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j += VL) {
      const int64_t n = MB_MIN(VL, columns - j);
      const vf sum = v_load(edge + i * MB_AMX_PANEL_LINES + j);
      float *at = c + i * c_row + j;
      v_store_n(at, add ? v_load_n(at, n) + sum : sum, n);
    }
}

#endif
