/* Linear layer over int4 weights in groups of 128 columns: rows of activations are rounded to bytes as for int8, products are summed in whole
 * numbers within a group and in f32 over groups, by dot products straight over the weights as they lie.
 *
 * Byte j of a group (64 bytes) holds w + 8 of its columns j and j + 64, so that its halves meet activations as they lie. They are multiplied
 * as they are, from 0 to 15, which is what the instructions want on one side; 8 · Σ q is taken off before the sum begins. */
#include "base/parallel.h"
#include "narrow/int8_dot.h"

#define GROUP 128
#define GROUP_BYTES (GROUP / 2)
#define CHUNKS (GROUP_BYTES / (4 * VL)) /* vectors of a group's bytes */

/* Rows and channels of a tile; channels of a strip, whose weights stay in the L1 cache while all rows of a task pass; of a task; rows of a task. */
#define ROWS 4
#if VL == 16
#define CHANNELS 4
#elif defined(__AVX2__) || defined(__aarch64__)
#define CHANNELS 2
#else
#define CHANNELS 1
#endif
#define STRIP 16
#define TASK_CHANNELS 48
#define TASK_ROWS 256

/* sum + u · q of four bytes a lane, u from 0 to 15. */
#if defined(__AVX512F__)
#define UNITS(sum, u, q) (sum + (vi)_mm512_madd_epi16(_mm512_maddubs_epi16((__m512i)(u), (__m512i)(q)), _mm512_set1_epi16(1)))
#elif defined(__AVX2__)
#define UNITS(sum, u, q) (sum + (vi)_mm256_madd_epi16(_mm256_maddubs_epi16((__m256i)(u), (__m256i)(q)), _mm256_set1_epi16(1)))
#elif defined(__aarch64__)
#define UNITS(sum, u, q)                                                                                                             \
  (vi) vpadalq_s16((int32x4_t)sum, vpaddq_s16(vmull_s8(vget_low_s8((int8x16_t)(u)), vget_low_s8((int8x16_t)(q))), vmull_high_s8((int8x16_t)(u), (int8x16_t)(q))))
#else
#define UNITS(sum, u, q) (sum + BYTE(q, 0) * BYTE(u, 0) + BYTE(q, 1) * BYTE(u, 1) + BYTE(q, 2) * BYTE(u, 2) + BYTE(q, 3) * BYTE(u, 3))
#endif

/* Rows of bytes, and what a group's sum begins with: both of all rows of a call. */
typedef struct {
  const int32_t *bytes, *begin; /* [row][groups][GROUP / 4], [row][groups][VL] */
} rounded_rows;

typedef void (*multiply_tile)(int64_t rows, int64_t channels, int64_t groups, rounded_rows x, const char *weight, const float *scales, float *sums);
typedef void (*begin_sums)(int64_t groups, const int32_t *bytes, int32_t *begin);

/* sums[row][STRIP]. Rows and channels beyond the last one repeat it; nobody reads their sums. */
#define TILE(name, attributes, DOT)                                                                                                            \
  attributes static void name(int64_t rows, int64_t channels, int64_t groups, rounded_rows x, const char *weight, const float *scales, float *sums) { \
    const vi low_half = v_set_int(0x0f0f0f0f);                                                                                                 \
    vf sum[ROWS * CHANNELS];                                                                                                                   \
    _Pragma("GCC unroll 16") for (int i = 0; i < ROWS * CHANNELS; i++) sum[i] = (vf){0};                                                       \
    for (int64_t group = 0; group < groups; group++) {                                                                                         \
      vi low[CHANNELS][CHUNKS], high[CHANNELS][CHUNKS];                                                                                        \
      vf scale[CHANNELS];                                                                                                                      \
      _Pragma("GCC unroll 4") for (int j = 0; j < CHANNELS; j++) {                                                                             \
        const int64_t place = MB_MIN(j, channels - 1) * groups + group;                                                                        \
        const int32_t *packed = (const int32_t *)(weight + place * GROUP_BYTES);                                                               \
        __builtin_prefetch(weight + (place + STRIP * groups) * GROUP_BYTES, 0, 2);                                                             \
        _Pragma("GCC unroll 4") for (int c = 0; c < CHUNKS; c++) {                                                                             \
          const vi both = v_load_int(packed + c * VL);                                                                                         \
          low[j][c] = both & low_half;                                                                                                         \
          high[j][c] = (vi)((vu)both >> 4) & low_half;                                                                                         \
        }                                                                                                                                      \
        scale[j] = v_set(scales[place]);                                                                                                       \
      }                                                                                                                                        \
      _Pragma("GCC unroll 4") for (int i = 0; i < ROWS; i++) {                                                                                 \
        const int64_t at = MB_MIN(i, rows - 1) * groups + group;                                                                               \
        const int32_t *q = x.bytes + at * (GROUP / 4);                                                                                         \
        _Pragma("GCC unroll 4") for (int j = 0; j < CHANNELS; j++) {                                                                           \
          vi dot = v_load_int(x.begin + at * VL);                                                                                              \
          _Pragma("GCC unroll 4") for (int c = 0; c < CHUNKS; c++) {                                                                           \
            dot = DOT(dot, low[j][c], v_load_int(q + c * VL));                                                                                 \
            dot = DOT(dot, high[j][c], v_load_int(q + GROUP / 8 + c * VL));                                                                    \
          }                                                                                                                                    \
          sum[i * CHANNELS + j] += __builtin_convertvector(dot, vf) * scale[j];                                                                \
        }                                                                                                                                      \
      }                                                                                                                                        \
    }                                                                                                                                          \
    float total[ROWS * CHANNELS];                                                                                                              \
    _Pragma("GCC unroll 4") for (int i = 0; i < ROWS * CHANNELS; i += VL) v_store(total + i, v_sums(sum + i));                                 \
    for (int i = 0; i < ROWS; i++) memcpy(sums + i * STRIP, total + i * CHANNELS, CHANNELS * sizeof *sums);                                    \
  }

/* -8 · Σ q of each lane of a row's groups. */
#define BEGIN(name, attributes, DOT)                                                                                      \
  attributes static void name(int64_t groups, const int32_t *bytes, int32_t *begin) {                                     \
    const vi eights = v_set_int(0x08080808);                                                                              \
    for (int64_t group = 0; group < groups; group++, bytes += GROUP / 4) {                                                \
      vi sum = {0};                                                                                                       \
      _Pragma("GCC unroll 8") for (int c = 0; c < 2 * CHUNKS; c++) sum = DOT(sum, eights, v_load_int(bytes + c * VL));    \
      v_store_int(begin + group * VL, -sum);                                                                              \
    }                                                                                                                     \
  }

TILE(multiply_units, , UNITS)
BEGIN(begin_units, , UNITS)
#if defined(TARGET)
TILE(multiply_vnni, TARGET, DOT4_UNSIGNED)
BEGIN(begin_vnni, TARGET, DOT4_UNSIGNED)
#endif

typedef struct {
  const mb_panel_linear_args *args;
  int64_t groups, channel_tasks;
  multiply_tile multiply;
  begin_sums begin;
  int32_t *bytes, *sums;
  float *row_scales;
} context;

static void round_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const context *c = opaque;
  const mb_panel_linear_args *args = c->args;
  const int64_t words = c->groups * (GROUP / 4), end = MB_MIN(args->rows, (task + 1) * VL);
  for (int64_t row = task * VL; row < end; row++) {
    int32_t *bytes = c->bytes + row * words;
    c->row_scales[row] = MB_FN(mb_int8_round)((const char *)args->x + row * args->depth * args->x_bytes, args->x_bytes, args->depth, words, bytes);
    c->begin(c->groups, bytes, c->sums + row * c->groups * VL);
  }
}

static void multiply_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const context *c = opaque;
  const mb_panel_linear_args *args = c->args;
  const int64_t first = task / c->channel_tasks * TASK_ROWS, rows = MB_MIN(args->rows, first + TASK_ROWS), groups = c->groups;
  const int64_t begin = task % c->channel_tasks * TASK_CHANNELS, end = MB_MIN(args->channels, begin + TASK_CHANNELS);
  for (int64_t channel = begin; channel < end; channel += STRIP) {
    const int64_t channels = MB_MIN(STRIP, end - channel);
    for (int64_t row = first; row < rows; row += ROWS) {
      const rounded_rows x = {c->bytes + row * groups * (GROUP / 4), c->sums + row * groups * VL};
      float sums[ROWS * STRIP];
      for (int64_t j = 0; j < channels; j += CHANNELS)
        c->multiply(rows - row, channels - j, groups, x, (const char *)args->weight + (channel + j) * args->channel_bytes, args->scales + (channel + j) * groups,
                    sums + j);
      for (int64_t i = 0; i < MB_MIN(ROWS, rows - row); i++)
        for (int64_t j = 0; j < channels; j += VL) {
          const int64_t lanes = MB_MIN(VL, channels - j);
          const vf bias = args->bias ? v_load_n(args->bias + channel + j, lanes) : (vf){0};
          mb_store_scaled(args, row + i, channel + j, lanes, mb_scaled(v_load(sums + i * STRIP + j), v_set(1), c->row_scales[row + i], bias));
        }
    }
  }
}

/* views: y [T, n] and x [T, k] in f32 or both in bf16, weight [n, 16 · groups], scales [n, groups], bias (or absent). */
void MB_FN(mb_op_int4_linear)(const mb_view *views, const double *attributes) {
  (void)attributes;
  const int bytes = (int)mb_bytes_of(views[1].dtype);
  const int64_t groups = views[3].shape[1];
  const mb_panel_linear_args args = {.rows = views[0].shape[0], .depth = views[1].shape[1], .channels = views[0].shape[1], .channel_bytes = groups * GROUP_BYTES,
                                     .y = views[0].data, .y_bytes = bytes, .x = views[1].data, .x_bytes = bytes, .weight = views[2].data,
                                     .scales = views[3].data, .bias = views[4].data};
  if (args.rows == 0 || args.channels == 0) return;
  context c = {.args = &args, .groups = groups, .multiply = multiply_units, .begin = begin_units};
#if defined(TARGET)
  if (has_vnni()) c.multiply = multiply_vnni, c.begin = begin_vnni;
#endif
  c.channel_tasks = mb_ceil_div(args.channels, TASK_CHANNELS);
  c.bytes = mb_scratch(0, MB_SLOT_KERNEL_0, (size_t)MB_MAX(1, args.rows * groups * GROUP));
  c.sums = mb_scratch(0, MB_SLOT_KERNEL_1, (size_t)MB_MAX(1, args.rows * groups * VL) * sizeof(int32_t));
  c.row_scales = mb_scratch(0, MB_SLOT_KERNEL_2, (size_t)args.rows * sizeof(float));
  mb_parallel(mb_ceil_div(args.rows, VL), round_task, &c);
  mb_parallel(c.channel_tasks * mb_ceil_div(args.rows, TASK_ROWS), multiply_task, &c);
}
