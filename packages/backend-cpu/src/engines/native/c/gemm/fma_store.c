/* How mb_gemm_fma's tiles reach the result, as they are or turned by transposes in registers. */
#include "gemm/fma.h"
#include "base/convert.h"
#include "simd/transpose.h"

/* Rows of memory are lines of the tile. */
static void store_lines(const mb_fma_target *t, int64_t lines, int64_t lanes, const float *sums) {
  const vf alpha = v_set(t->alpha);
  for (int64_t line = 0; line < lines; line++)
    for (int64_t lane = 0; lane < lanes; lane += VL) {
      const int64_t n = MB_MIN(VL, lanes - lane);
      float *at = t->c + line * t->stride + lane;
      const vf value = alpha * v_load(sums + line * MB_FMA_LANES + lane);
      v_store_n(at, t->add ? v_load_n(at, n) + value : value, n);
    }
}

/* Rows of memory are lanes of the tile. Lines come VL at a time; what `sums` holds beyond the last one is turned too and not stored. */
static inline __attribute__((always_inline)) void store_turned(const mb_fma_target *t, int32_t dtype, int64_t lines, int64_t lanes, const float *sums) {
  const vf alpha = v_set(t->alpha);
  void *to = dtype == MB_F32 ? (void *)t->c : t->c16;
  for (int64_t line = 0; line < lines; line += VL)
    for (int64_t lane = 0; lane < lanes; lane += VL) {
      const int64_t n = MB_MIN(VL, lines - line), rows = MB_MIN(VL, lanes - lane);
      const vf bias = t->bias ? v_load_n(t->bias + line, n) : (vf){0};
      vf block[VL];
#pragma GCC unroll 16
      for (int i = 0; i < VL; i++) block[i] = alpha * v_load(sums + (line + i) * MB_FMA_LANES + lane);
      v_transpose(block);
      int64_t at = lane * t->stride + line;
#pragma GCC unroll 16
      for (int i = 0; i < VL; i++, at += t->stride) {
        if (i >= rows) continue;
        if (t->add) block[i] += v_load_n(t->c + at, n);
        if (t->bias) block[i] += bias;
        mb_store_float(dtype, to, at, block[i], n);
      }
    }
}

_Static_assert(MB_FMA_LINES <= 2 * VL, "the lines of a tile are turned as words of one vector");

static inline vu rounded_line(const mb_fma_target *t, int64_t line, int64_t lane, const float *sums) {
  const vf sum = t->alpha * v_load(sums + line * MB_FMA_LANES + lane);
  return v_round_bf16(t->bias ? sum + t->bias[line] : sum);
}

/* The same to bf16 of sums that are not added to others: rounded first, so that half as much is turned, words of two lines. */
static void store_turned_words(const mb_fma_target *t, int64_t lines, int64_t lanes, const float *sums) {
  for (int64_t lane = 0; lane < lanes; lane += VL) {
    vf words[VL];
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++) {
      const vu even = 2 * i < lines ? rounded_line(t, 2 * i, lane, sums) >> 16 : (vu){0};
      const vu odd = 2 * i + 1 < lines ? rounded_line(t, 2 * i + 1, lane, sums) & 0xffff0000 : (vu){0};
      words[i] = (vf)(even | odd);
    }
    v_transpose(words);
    uint16_t *to = t->c16 + lane * t->stride;
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++, to += t->stride) {
      if (lane + i >= lanes) continue;
      v_halves part[2];
      memcpy(part, &words[i], sizeof part);
      v_store_halves(to, part[0], MB_MIN(VL, lines));
      if (MB_FMA_LINES > VL && lines > VL) v_store_halves(to + VL, part[1], lines - VL);
    }
  }
}

void MB_FN(mb_fma_store)(const mb_fma_target *target, int64_t lines, int64_t lanes, const float *sums) {
  if (!target->turned) store_lines(target, lines, lanes, sums);
  else if (!target->c16) store_turned(target, MB_F32, lines, lanes, sums);
  else if (target->dtype16 == MB_BF16 && !target->add) store_turned_words(target, lines, lanes, sums);
  else if (target->dtype16 == MB_BF16) store_turned(target, MB_BF16, lines, lanes, sums);
  else store_turned(target, MB_F16, lines, lanes, sums);
}

void MB_FN(mb_fma_expect)(const mb_fma_target *target, int64_t lines, int64_t lanes) {
  const int64_t rows = target->turned ? lanes : lines, width = target->turned ? lines : lanes;
  const int64_t bytes = target->c16 ? 2 : 4;
  char *at = target->c16 ? (char *)target->c16 : (char *)target->c;
  for (int64_t row = 0; row < rows; row++, at += target->stride * bytes) {
    for (int64_t i = 0; i < width * bytes; i += 64) __builtin_prefetch(at + i, 1);
    __builtin_prefetch(at + (width - 1) * bytes, 1);
  }
}
