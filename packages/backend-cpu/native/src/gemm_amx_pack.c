/* Packing for gemm_amx.c: splits f32 into three bf16 and lays them out as tiles. */
#include "gemm_amx.h"

#if defined(__AMX_BF16__)
#include "transpose.h"

typedef uint32_t vu __attribute__((vector_size(64)));

/* row[i] = 16 lanes of vector i of a block that has `vectors` × `lanes` elements; zeros beyond them. */
static inline __attribute__((always_inline)) void load_block(const float *from, int64_t vector_stride, int64_t lane_stride, int64_t vectors,
                                                             int64_t lanes, vf row[VL]) {
  if (lane_stride == 1) {
    if (vectors == VL && lanes == VL)
#pragma GCC unroll 16
      for (int i = 0; i < VL; i++) row[i] = v_load(from + i * vector_stride);
    else
#pragma GCC unroll 16
      for (int i = 0; i < VL; i++) row[i] = i < vectors ? v_load_n(from + i * vector_stride, lanes) : (vf){0};
  } else if (vector_stride == 1) {
    if (vectors == VL && lanes == VL)
#pragma GCC unroll 16
      for (int i = 0; i < VL; i++) row[i] = v_load(from + i * lane_stride);
    else
#pragma GCC unroll 16
      for (int i = 0; i < VL; i++) row[i] = i < lanes ? v_load_n(from + i * lane_stride, vectors) : (vf){0};
    v_transpose(row);
  } else {
    for (int i = 0; i < VL; i++) {
      float lane[VL] = {0};
      for (int64_t j = 0; i < vectors && j < lanes; j++) lane[j] = from[i * vector_stride + j * lane_stride];
      row[i] = v_load(lane);
    }
  }
}

/* Rounds to bf16, as f32; ties away from zero. */
static inline vu rounded(vf x) { return ((vu)x + 0x8000) & 0xffff0000; }

static inline __attribute__((always_inline)) void store_pair(char *to, vu low, vu high) { *(vu *)to = low >> 16 | high; }

/* Splits vectors x (lower halves of words) and y (upper halves) into their parts. */
static inline __attribute__((always_inline)) void split(vf x, vf y, char *to, int64_t part_bytes) {
#pragma GCC unroll 3
  for (int part = 0; part < MB_AMX_PARTS; part++) {
    const vu p = rounded(x), q = rounded(y);
    store_pair(to + part * part_bytes, p, q);
    x -= (vf)p;
    y -= (vf)q;
  }
}

void MB_FN(mb_amx_pack_unit)(mb_amx_panel *panel) {
  const int64_t tiles = mb_amx_tiles(panel->lines), step = panel->done / tiles, tile = panel->done % tiles;
  const int64_t line = tile * MB_AMX_LINES, k = step * MB_AMX_STEP;
  const int64_t lines = MB_MIN(MB_AMX_LINES, panel->lines - line);
  const int64_t depth[2] = {MB_MIN(VL, panel->depth - k), MB_MAX(0, MB_MIN(VL, panel->depth - k - VL))};
  const int64_t vector_stride = panel->columns ? panel->depth_stride : panel->line_stride;
  const int64_t lane_stride = panel->columns ? panel->line_stride : panel->depth_stride;
  const float *from = panel->from + line * panel->line_stride + k * panel->depth_stride;
  char *to = panel->to + (step * MB_AMX_PARTS * tiles + tile) * MB_AMX_TILE_BYTES;
  const vf scale = v_set(panel->scale);
  vf row[VL], first[VL];
  vu largest;
  memcpy(&largest, panel->largest, sizeof largest);
  load_block(from, vector_stride, lane_stride, panel->columns ? depth[0] : lines, panel->columns ? lines : depth[0], row);
  for (int i = 0; i < VL; i++) first[i] = row[i];
  load_block(from + VL * panel->depth_stride, vector_stride, lane_stride, panel->columns ? depth[1] : lines,
             panel->columns ? lines : depth[1], row);
#pragma GCC unroll 16
  for (int i = 0; i < VL; i++) {
    const vf x = scale * first[i], y = scale * row[i];
    largest = (vu)_mm512_max_epu32((__m512i)largest, _mm512_max_epu32((__m512i)((vu)x << 1), (__m512i)((vu)y << 1)));
    split(x, y, to + i * 64, tiles * MB_AMX_TILE_BYTES);
  }
  memcpy(panel->largest, &largest, sizeof largest);
  panel->done++;
}

int MB_FN(mb_amx_in_range)(const mb_amx_panel *panel) {
  uint32_t largest = 0;
  for (int i = 0; i < MB_AMX_LINES; i++) largest = MB_MAX(largest, panel->largest[i]);
  return largest < 0x5f000000u << 1; /* 2^63 */
}

#endif
