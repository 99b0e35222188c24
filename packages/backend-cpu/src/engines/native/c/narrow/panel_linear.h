/* y = x · weightᵀ for 16-bit and int8 weights, which are read as they lie; what the kernels of narrow/int8_panels.c, narrow/int8_amx.c and
 * narrow/bf16_*.c share.
 *
 * Everything comes in words of 32 bits: four bytes, or two bf16. Rows of x are rounded to such words and packed into panels of VL rows,
 * laid out [word][row], so that one vector (or one row of a tile) holds the same depths of VL rows, to be multiplied with one word of
 * weights. Sums come out as channels × rows; they are turned around and scaled on the way to y. */
#ifndef MB_PANEL_LINEAR_H
#define MB_PANEL_LINEAR_H

#include "base/command.h"
#include "simd/bf16.h"

/* Channels of a task, a multiple of VL and of every kernel's channels; most panels of a kernel. */
#define MB_TASK_CHANNELS 32
#define MB_MOST_PANELS 3

typedef struct {
  int channels, panels; /* of one call of `multiply`: up to so many */
  int depth;            /* numbers in a word */
  int planes;           /* words that stand for the same numbers, to be summed: each panel has so many, one after another */
  int whole;            /* sums are int32, not float */
  int32_t flip;         /* exclusive-or of the packed words */

  /* Rounds a row of numbers of `x_bytes` to planes of `padded` words, zeros beyond `depth` numbers. Returns what 1 is worth. */
  float (*round)(const void *x, int x_bytes, int64_t depth, int64_t padded, int32_t *planes);
  /* What is to be taken off the sums of up to MB_TASK_CHANNELS channels, rounded up to VL; may be NULL. */
  void (*offsets)(int64_t channels, int64_t bytes, const char *weight, int32_t *offsets);
  /* Around the calls of a task; may be NULL. */
  void (*begin)(void), (*end)(void);
  /* sums[channel][panel][row] = Σ x · w over `bytes` bytes of each channel. Planes are `plane` words long, zero beyond `bytes` up to a
   * multiple of VL words. `sums` has rows of panels * VL, and room for this->channels of them. The weights `ahead` bytes further on are
   * wanted next. */
  void (*multiply)(int channels, int panels, int64_t bytes, const char *weight, int64_t ahead, const int32_t *x, int64_t plane, int32_t *sums);
} mb_panel_kernel;

typedef struct {
  int64_t rows, depth, channels, channel_bytes; /* bytes from one channel's weights to the next */
  const void *x;
  const float *scales, *bias; /* may be NULL */
  const void *weight;
  void *y;
  int x_bytes, y_bytes; /* of a number: 4 for f32, 2 for bf16 */
} mb_panel_linear_args;

/* On all workers; call it outside of tasks. */
void MB_FN(mb_panel_linear)(const mb_panel_kernel *kernel, const mb_panel_linear_args *args);

/* What y is made of: sums of one row and VL channels. The same rounding wherever it is called. */
static inline vf mb_scaled(vf sums, vf scales, float row_scale, vf bias) { return sums * scales * row_scale + bias; }

/* Up to VL channels of a row of y. */
static inline void mb_store_scaled(const mb_panel_linear_args *args, int64_t row, int64_t channel, int64_t lanes, vf value) {
  const int64_t at = row * args->channels + channel;
  if (args->y_bytes == 2) v_store_bf16((uint16_t *)args->y + at, value, lanes);
  else v_store_n((float *)args->y + at, value, lanes);
}

/* narrow/int8_rows.c: the same for up to MB_INT8_ROWS rows of bytes, by dot products over the weights as they lie. */
#define MB_INT8_ROWS 8
void MB_FN(mb_int8_rows)(const mb_panel_linear_args *args);

/* The best kernel for bytes on this machine: of narrow/int8_amx.c where tiles are compiled in, else of narrow/int8_panels.c. */
const mb_panel_kernel *MB_FN(mb_int8_kernel)(void);
/* narrow/int8_linear.c: `round` of the kernels for bytes. */
float MB_FN(mb_int8_round)(const void *x, int x_bytes, int64_t depth, int64_t padded, int32_t *words);

/* The best kernel for bf16 weights and activations of `x_bytes` (narrow/bf16_amx.c, narrow/bf16_pairs.c); NULL where the machine has none, or
 * none for a depth that leaves half a word at the end of a channel. */
const mb_panel_kernel *MB_FN(mb_bf16_kernel)(int x_bytes, int64_t depth);
/* narrow/bf16_pairs.c: `round` of bf16 rows, whose pairs are words as they lie. */
float MB_FN(mb_bf16_round)(const void *x, int x_bytes, int64_t depth, int64_t padded, int32_t *words);

#endif
