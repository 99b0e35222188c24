/* AMX tiles, as all kernels use them: eight registers of 16 rows of 64 bytes. A row holds one line of a left factor, or as many depths of 16
 * lines of a right factor as a 32-bit word has. */
#ifndef MB_AMX_TILE_H
#define MB_AMX_TILE_H

#define MB_AMX_TILE_LINES 16
#define MB_AMX_ROW_BYTES 64
#define MB_AMX_TILE_BYTES (MB_AMX_TILE_LINES * MB_AMX_ROW_BYTES)

#if defined(__AMX_TILE__)
#include <immintrin.h>
#include <stdint.h>

static const struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} __attribute__((aligned(64))) mb_amx_config = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

/* Tiles are configured while a task runs only: a thread that has none is cheaper to switch. */
static inline void mb_amx_begin(void) {
  __asm__ volatile("" ::: "memory"); /* tiles are loaded from what was stored */
  _tile_loadconfig(&mb_amx_config);
}
static inline void mb_amx_end(void) { _tile_release(); }

#endif
#endif
