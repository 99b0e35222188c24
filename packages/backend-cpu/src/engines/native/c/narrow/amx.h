/* What the AMX kernels over narrow weights share: a product of 32 channels with panels of words.
 *
 * The weights are the left factor, because rows of 64 bytes are what an AMX tile of it wants; the panels are laid out as tiles of the right
 * factor. Tiles 0…3 hold sums (channels × panels), 4 and 5 weights, 6 and 7 panels. */
#ifndef MB_NARROW_AMX_H
#define MB_NARROW_AMX_H

#include "amx/tile.h"
#include "narrow/panel_linear.h"

#if defined(__AMX_TILE__)

/* 64 bytes of up to 32 channels, zeros around them: what lies at the edges of the weights. */
typedef char mb_amx_edge[2 * MB_AMX_TILE_LINES][MB_AMX_ROW_BYTES];

static inline void mb_amx_copy_edge(int channels, int64_t bytes, const char *weight, int64_t at, mb_amx_edge to) {
  memset(to, 0, sizeof(mb_amx_edge));
  for (int i = 0; i < channels; i++) memcpy(to[i], weight + i * bytes + at, (size_t)MB_MIN(MB_AMX_ROW_BYTES, bytes - at));
}

/* A kernel's `multiply`, named `name`: PRODUCT is the instruction, PLANES how many planes a panel has. */
#define MB_AMX_KERNEL(name, PRODUCT, PLANES)                                                                                    \
  static void name(int channels, int panels, int64_t bytes, const char *weight, int64_t ahead, const int32_t *x, int64_t plane, \
                   int32_t *sums) {                                                                                             \
    (void)ahead;                                                                                                                \
    _tile_zero(0);                                                                                                              \
    _tile_zero(1);                                                                                                              \
    _tile_zero(2);                                                                                                              \
    _tile_zero(3);                                                                                                              \
    mb_amx_edge copy;                                                                                                           \
    for (int64_t at = 0; at < bytes; at += MB_AMX_ROW_BYTES, x += MB_AMX_TILE_LINES * VL) {                                     \
      const char *rows = weight + at;                                                                                           \
      int64_t stride = bytes;                                                                                                   \
      if (channels < 2 * MB_AMX_TILE_LINES || at + MB_AMX_ROW_BYTES > bytes) {                                                  \
        mb_amx_copy_edge(channels, bytes, weight, at, copy);                                                                    \
        rows = copy[0];                                                                                                         \
        stride = MB_AMX_ROW_BYTES;                                                                                              \
      }                                                                                                                         \
      _tile_loadd(4, rows, stride);                                                                                             \
      _tile_loadd(5, rows + MB_AMX_TILE_LINES * stride, stride);                                                                \
      _Pragma("GCC unroll 2") for (int i = 0; i < PLANES; i++) {                                                                \
        _tile_loadd(6, x + i * plane, MB_AMX_ROW_BYTES);                                                                        \
        PRODUCT(0, 4, 6);                                                                                                       \
        PRODUCT(2, 5, 6);                                                                                                       \
        if (panels == 1) continue;                                                                                              \
        _tile_loadd(7, x + (PLANES + i) * plane, MB_AMX_ROW_BYTES);                                                             \
        PRODUCT(1, 4, 7);                                                                                                       \
        PRODUCT(3, 5, 7);                                                                                                       \
      }                                                                                                                         \
    }                                                                                                                           \
    const int64_t row = panels * VL;                                                                                            \
    _tile_stored(0, sums, row * 4);                                                                                             \
    _tile_stored(2, sums + MB_AMX_TILE_LINES * row, row * 4);                                                                   \
    if (panels == 1) return;                                                                                                    \
    _tile_stored(1, sums + VL, row * 4);                                                                                        \
    _tile_stored(3, sums + MB_AMX_TILE_LINES * row + VL, row * 4);                                                              \
  }

#endif
#endif
