/* Packing for gemm/amx.c: splits f32 into three bf16 and lays them out as tiles. */
#include "gemm/amx.h"

#if defined(__AMX_BF16__)
#include "simd/transpose.h"

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

static inline __m512i magnitude(vf x) { return (__m512i)((vu)x & 0x7fffffff); }

/* One tile by one step. `largest`: the bits of the largest magnitudes so far. */
static inline __attribute__((always_inline)) void pack_tile(const mb_amx_panel *panel, int columns, int64_t tiles, int64_t step, int64_t tile,
                                                            __m512i *largest) {
  const int64_t line = tile * MB_AMX_TILE_LINES, k = step * MB_AMX_STEP, lines = MB_MIN(MB_AMX_TILE_LINES, panel->lines - line);
  const int64_t first = MB_MIN(VL, panel->depth - k), second = MB_MAX(0, MB_MIN(VL, panel->depth - k - VL));
  const int64_t vector_stride = columns ? panel->depth_stride : panel->line_stride;
  const int64_t lane_stride = columns ? panel->line_stride : panel->depth_stride;
  const float *from = panel->from + line * panel->line_stride + k * panel->depth_stride;
  char *to = panel->to + (step * MB_AMX_PARTS * tiles + tile) * MB_AMX_TILE_BYTES;
  vf x[VL], y[VL];
  load_block(from, vector_stride, lane_stride, columns ? first : lines, columns ? lines : first, x);
  load_block(from + VL * panel->depth_stride, vector_stride, lane_stride, columns ? second : lines, columns ? lines : second, y);
  const vf scale = v_set(panel->scale);
#pragma GCC unroll 16
  for (int i = 0; i < VL; i++) {
    const vf low = columns ? x[i] : scale * x[i], high = columns ? y[i] : scale * y[i];
    *largest = _mm512_max_epu32(*largest, _mm512_max_epu32(magnitude(low), magnitude(high)));
    mb_amx_split_rounded(low, high, to + i * 64, tiles * MB_AMX_TILE_BYTES);
  }
}

int MB_FN(mb_amx_pack)(const mb_amx_panel *panel) {
  const int64_t tiles = mb_amx_tiles(panel->lines), steps = mb_amx_steps(panel->depth);
  __m512i largest = _mm512_setzero_si512();
  for (int64_t step = 0; step < steps; step++)
    for (int64_t tile = 0; tile < tiles; tile++) {
      if (panel->columns) pack_tile(panel, 1, tiles, step, tile, &largest);
      else pack_tile(panel, 0, tiles, step, tile, &largest);
    }
  return _mm512_cmpge_epu32_mask(largest, _mm512_set1_epi32(0x5f000000)) == 0; /* 2^63 */
}

#endif
