/* Sums of products of bytes in AMX tiles. The weights are the left factor, because rows of 64 bytes are what a tile of it wants; the
 * panels are laid out as tiles of the right factor. Two by two tiles of sums: four loads for four products. */
#include "int8_tiles.h"

#if defined(__AMX_INT8__)

#define ROW_WORDS 16 /* of a tile's row of 64 bytes */

/* Eight tiles of 16 rows of 64 bytes. */
static const struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} __attribute__((aligned(64))) tiles = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

static void begin(void) { _tile_loadconfig(&tiles); }

static void end(void) { _tile_release(); }

/* 16 words of up to 32 channels, zeros around them. */
typedef int32_t block_of_weights[2 * ROW_WORDS][ROW_WORDS];

static void copy_weights(int channels, int64_t words, const int32_t *weight, int64_t k, block_of_weights to) {
  memset(to, 0, sizeof(block_of_weights));
  for (int i = 0; i < channels; i++) memcpy(to[i], weight + i * words + k, (size_t)MB_MIN(ROW_WORDS, words - k) * 4);
}

static void tile(int channels, int panels, int64_t words, const int32_t *weight, const int32_t *x, int64_t panel, int32_t *sums) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  block_of_weights copy;
  for (int64_t k = 0; k < words; k += ROW_WORDS) {
    const int32_t *rows = weight + k;
    int64_t stride = 4 * words;
    if (channels < 2 * ROW_WORDS || k + ROW_WORDS > words) {
      copy_weights(channels, words, weight, k, copy);
      rows = copy[0];
      stride = sizeof copy[0];
    }
    _tile_loadd(4, rows, stride);
    _tile_loadd(5, (const char *)rows + 16 * stride, stride);
    _tile_loadd(6, x + k * VL, 64);
    _tile_dpbssd(0, 4, 6);
    _tile_dpbssd(2, 5, 6);
    if (panels == 1) continue;
    _tile_loadd(7, x + panel + k * VL, 64);
    _tile_dpbssd(1, 4, 7);
    _tile_dpbssd(3, 5, 7);
  }
  const int64_t stride = panels * VL * 4;
  _tile_stored(0, sums, stride);
  _tile_stored(2, sums + 16 * panels * VL, stride);
  if (panels == 1) return;
  _tile_stored(1, sums + VL, stride);
  _tile_stored(3, sums + 16 * panels * VL + VL, stride);
}

static const mb_int8_kernel kernel = {.channels = 32, .panels = 2, .begin = begin, .end = end, .tile = tile};

const mb_int8_kernel *MB_FN(mb_int8_kernel_of)(void) { return &kernel; }

#else
typedef int nothing_here; /* int8_dot.c does without */
#endif
