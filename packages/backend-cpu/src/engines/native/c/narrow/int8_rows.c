/* Products of bytes for a few rows of activations: dot products straight over the weights [channel][word], which are read once, from end
 * to end, as fast as memory gives them. Sums are whole numbers, so that they are those of narrow/int8_panels.c, whatever the order. */
#include "narrow/int8_dot.h"

#include "base/parallel.h"

/* Rows and channels of a tile: what the registers hold; channels of a strip, whose weights stay in the L1 cache while all rows pass; of a task. */
#define ROWS 4
#if VL == 16 || defined(__aarch64__)
#define CHANNELS 4
#else
#define CHANNELS 2
#endif
#define STRIP 16
#define TASK_CHANNELS 96

typedef void (*multiply_rows)(int64_t rows, int64_t channels, int64_t words, const int32_t *x, int64_t padded, const int32_t *weight, int32_t *sums);

/* sums[row][channel] of the strip. Rows and channels beyond the last one repeat it; nobody reads their sums. */
#define MULTIPLY(name, attributes, PREPARE, DOT4)                                                                                     \
  attributes static void name(int64_t rows, int64_t channels, int64_t words, const int32_t *x, int64_t padded, const int32_t *weight, \
                              int32_t *sums) {                                                                                        \
    const int32_t *q_row[ROWS], *w_row[CHANNELS];                                                                                     \
    vi sum[ROWS * CHANNELS];                                                                                                          \
    _Pragma("GCC unroll 4") for (int i = 0; i < ROWS; i++) q_row[i] = x + MB_MIN(i, rows - 1) * padded;                               \
    _Pragma("GCC unroll 4") for (int j = 0; j < CHANNELS; j++) w_row[j] = weight + MB_MIN(j, channels - 1) * words;                   \
    _Pragma("GCC unroll 16") for (int i = 0; i < ROWS * CHANNELS; i++) sum[i] = (vi){0};                                              \
    for (int64_t k = 0; k < words; k += VL) {                                                                                         \
      vi q[ROWS];                                                                                                                     \
      _Pragma("GCC unroll 4") for (int i = 0; i < ROWS; i++) q[i] = v_load_int(q_row[i] + k);                                         \
      _Pragma("GCC unroll 4") for (int j = 0; j < CHANNELS; j++) {                                                                    \
        const vi w = k + VL <= words ? v_load_int(w_row[j] + k) : v_load_int_n(w_row[j] + k, words - k);                              \
        __builtin_prefetch(w_row[j] + STRIP * words + k, 0, 2);                                                                       \
        PREPARE(w)                                                                                                                    \
        _Pragma("GCC unroll 4") for (int i = 0; i < ROWS; i++) sum[i * CHANNELS + j] = DOT4(sum[i * CHANNELS + j], q[i], w);          \
      }                                                                                                                               \
    }                                                                                                                                 \
    int32_t total[ROWS * CHANNELS];                                                                                                   \
    _Pragma("GCC unroll 4") for (int i = 0; i < ROWS * CHANNELS; i += VL) v_store_int(total + i, v_sums_int(sum + i));                \
    for (int i = 0; i < ROWS; i++) memcpy(sums + i * STRIP, total + i * CHANNELS, CHANNELS * sizeof *sums);                           \
  }

MULTIPLY(multiply_signed, , PREPARE_SIGNED, DOT4_SIGNED)
#if defined(TARGET)
MULTIPLY(multiply_vnni, TARGET, PREPARE_VNNI, DOT4_VNNI)
#endif

typedef struct {
  const mb_panel_linear_args *args;
  multiply_rows multiply;
  int64_t padded; /* words of a row of x, a multiple of VL */
  int32_t *x;
  float row_scales[MB_INT8_ROWS];
  int32_t excess[MB_INT8_ROWS]; /* of the sums of a row */
} context;

static void store_strip(const context *c, const int32_t *sums, int64_t channel, int64_t channels) {
  const mb_panel_linear_args *args = c->args;
  for (int64_t j = 0; j < channels; j += VL) {
    const int64_t lanes = MB_MIN(VL, channels - j);
    const vf scales = args->scales ? v_load_n(args->scales + channel + j, lanes) : v_set(1);
    const vf bias = args->bias ? v_load_n(args->bias + channel + j, lanes) : (vf){0};
    for (int64_t row = 0; row < args->rows; row++) {
      const vf sum = __builtin_convertvector(v_load_int(sums + row * STRIP + j) - c->excess[row], vf);
      mb_store_scaled(args, row, channel + j, lanes, mb_scaled(sum, scales, c->row_scales[row], bias));
    }
  }
}

static void rows_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const context *c = opaque;
  const mb_panel_linear_args *args = c->args;
  const int64_t words = args->channel_bytes / 4, end = MB_MIN(args->channels, (task + 1) * TASK_CHANNELS);
  for (int64_t channel = task * TASK_CHANNELS; channel < end; channel += STRIP) {
    const int64_t channels = MB_MIN(STRIP, end - channel);
    const char *weight = (const char *)args->weight + channel * args->channel_bytes;
    int32_t sums[MB_INT8_ROWS * STRIP];
    for (int64_t j = 0; j < channels; j += CHANNELS)
      for (int64_t row = 0; row < args->rows; row += ROWS)
        c->multiply(args->rows - row, channels - j, words, c->x + row * c->padded, c->padded, (const int32_t *)weight + j * words, sums + row * STRIP + j);
    store_strip(c, sums, channel, channels);
  }
}

void MB_FN(mb_int8_rows)(const mb_panel_linear_args *args) {
  context c = {.args = args, .multiply = multiply_signed};
#if defined(TARGET)
  if (has_vnni()) c.multiply = multiply_vnni;
#endif
  c.padded = mb_ceil_div(args->channel_bytes / 4, VL) * VL;
  c.x = mb_scratch(0, MB_SLOT_KERNEL_0, (size_t)(MB_INT8_ROWS * c.padded) * 4);
  for (int64_t row = 0; row < args->rows; row++) {
    int32_t *to = c.x + row * c.padded;
    c.row_scales[row] = MB_FN(mb_int8_round)((const char *)args->x + row * args->depth * args->x_bytes, args->x_bytes, args->depth, c.padded, to);
#if defined(TARGET)
    if (c.multiply == multiply_vnni) c.excess[row] = vnni_excess(to, c.padded);
#endif
  }
  mb_parallel(mb_ceil_div(args->channels, TASK_CHANNELS), rows_task, &c);
}
