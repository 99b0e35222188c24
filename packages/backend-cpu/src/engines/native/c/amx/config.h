/* The one configuration of AMX tiles that all kernels use: eight tiles of 16 rows of 64 bytes. */
#ifndef MB_AMX_CONFIG_H
#define MB_AMX_CONFIG_H

#if defined(__AMX_TILE__)
#include <immintrin.h>
#include <stdint.h>

static const struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} __attribute__((aligned(64))) mb_tiles = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

/* Tiles are configured while a task runs only: a thread that has none is cheaper to switch. */
static inline void mb_tiles_begin(void) {
  __asm__ volatile("" ::: "memory"); /* tiles are loaded from what was stored */
  _tile_loadconfig(&mb_tiles);
}
static inline void mb_tiles_end(void) { _tile_release(); }

#endif
#endif
