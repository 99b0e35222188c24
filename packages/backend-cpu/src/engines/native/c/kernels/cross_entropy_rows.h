/* Cross-entropy by rows of a block of logits: statistics, their combination over blocks, and the gradient of the logits. */
#ifndef MB_CROSS_ENTROPY_ROWS_H
#define MB_CROSS_ENTROPY_ROWS_H

#include "narrow/bf16_gemm.h"
#include "simd/simd.h"

#include <math.h>

#define COLUMNS 256 /* of a block */
#define LOWEST -3e38f /* the maximum of no logits */

typedef struct {
  float before, after; /* largest logits left and right of the label */
  float maximum, sum;  /* Σ exp(logit - maximum) */
} block_statistics;

typedef struct {
  int64_t dim, vocabulary, blocks, lanes;
  const mb_panel_kernel *narrow; /* for hidden and weight in bf16; NULL: they are in f32 */
  const void *weight;
  const float *bias;
  /* The chunk. */
  int64_t rows;
  int accumulate; /* not the first chunk: add to the gradients of weight and bias */
  const void *hidden;
  int32_t *hidden_panels; /* of bf16 */
  const int32_t *labels;
  float *logits; /* [blocks][rows][COLUMNS], or NULL: per worker */
  block_statistics *statistics; /* [blocks][rows] */
  float *label_logit, *log_sum, *loss, *correct; /* [rows] */
  float *lane_grad;             /* [lanes][rows][dim] */
  float *grad_hidden, *grad_weight, *grad_bias;
} entropy_context;

static inline int counts(const entropy_context *c, int64_t row) { return c->labels[row] >= 0 && c->labels[row] < c->vocabulary; }

/* n lanes (or all, if n ≥ VL); `other` in the rest. */
static inline vf load_or(const float *p, int64_t n, float other) {
  if (n >= VL) return v_load(p);
  return v_blend(v_lanes() < (int32_t)n, v_load_n(p, n), v_set(other));
}

static inline float largest_of(const float *x, int64_t n) {
  vf largest = v_set(LOWEST);
  for (int64_t i = 0; i < n; i += VL) largest = v_greater_of(load_or(x + i, n - i, LOWEST), largest);
  return v_largest(largest);
}

/* `label` counts from the first column of the block, and may lie outside of it. */
static inline block_statistics row_statistics(const float *logits, int64_t columns, int64_t label, float *label_logit) {
  const int64_t split = MB_MAX(0, MB_MIN(label, columns)), rest = MB_MAX(0, MB_MIN(label + 1, columns));
  block_statistics s = {.before = largest_of(logits, split), .after = largest_of(logits + rest, columns - rest)};
  s.maximum = MB_MAX(s.before, s.after);
  if (split < rest) {
    *label_logit = logits[split];
    if (*label_logit > s.maximum) s.maximum = *label_logit;
  }
  vf sum = v_set(0);
  for (int64_t i = 0; i < columns; i += VL) sum += v_exp(load_or(logits + i, columns - i, -INFINITY) - s.maximum);
  s.sum = v_sum(sum);
  return s;
}

/* Adds up the blocks of a row: its log-sum-exp, loss and whether the label's logit is the largest (the first of equal ones). */
static inline void combine_row(const entropy_context *c, int64_t row) {
  c->loss[row] = c->correct[row] = 0;
  if (!counts(c, row)) return;
  float before = LOWEST, after = LOWEST, maximum = LOWEST;
  for (int64_t block = 0; block < c->blocks; block++) {
    const block_statistics *s = &c->statistics[block * c->rows + row];
    before = MB_MAX(before, s->before);
    after = MB_MAX(after, s->after);
    maximum = MB_MAX(maximum, s->maximum);
  }
  double sum = 0;
  for (int64_t block = 0; block < c->blocks; block++) {
    const block_statistics *s = &c->statistics[block * c->rows + row];
    sum += s->sum * expf(s->maximum - maximum);
  }
  const float own = c->label_logit[row];
  c->log_sum[row] = (float)(maximum + log(sum));
  c->loss[row] = (float)(log(sum) + maximum - own);
  c->correct[row] = own > before && own >= after && sum == sum;
}

/* logits → softmax - onehot, in place; rows that do not count become 0. Adds the columns' sums to `total`. */
static inline void grad_logits(const entropy_context *c, float *logits, int64_t first, int64_t columns, float total[COLUMNS]) {
  for (int64_t row = 0; row < c->rows; row++) {
    float *x = logits + row * COLUMNS;
    if (!counts(c, row)) {
      memset(x, 0, sizeof(float) * (size_t)columns);
      continue;
    }
    for (int64_t i = 0; i < columns; i += VL) {
      const int64_t n = MB_MIN(VL, columns - i);
      v_store_n(x + i, v_exp(v_load_n(x + i, n) - c->log_sum[row]), n);
    }
    const int64_t label = c->labels[row] - first;
    if (label >= 0 && label < columns) x[label] -= 1;
    for (int64_t i = 0; i < columns; i += VL) {
      const int64_t n = MB_MIN(VL, columns - i);
      v_store_n(total + i, v_load_n(total + i, n) + v_load_n(x + i, n), n);
    }
  }
}

#endif
