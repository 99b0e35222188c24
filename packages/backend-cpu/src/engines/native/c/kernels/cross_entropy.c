/* Linear layer and cross-entropy in one: the logits exist only for a chunk of rows, in blocks of columns.
 *
 * Forward makes the logits of a block, and per row the block's maximum and sum of exponentials; the blocks are combined in order. In
 * training it goes on at once, while the logits of the chunk are still there: they become softmax - onehot, and give the gradients of
 * hidden, weight and bias for a loss gradient of 1 (three products, where recomputing the logits in the backward would make four).
 * The backward only multiplies them by the incoming gradient.
 *
 * The gradient of hidden sums over all columns: blocks are dealt to a number of lanes that depends on the shape only, each lane sums its
 * own, and the lanes are added in order. So nothing depends on timing or on the number of threads. */
#include "kernels/cross_entropy_bf16.h"
#include "base/convert.h"
#include "gemm/gemm.h"
#include "base/parallel.h"
#include "simd/bf16.h"

#define LOGIT_BYTES ((int64_t)64 << 20)  /* for the logits of a chunk, in training */
#define LANE_BYTES ((int64_t)16 << 20)   /* for the lanes' gradients of hidden */
#define INFERENCE_ROWS 512

static void logits_body(void *context, int64_t block, int worker) {
  const entropy_context *c = context;
  const int64_t first = block * COLUMNS, columns = MB_MIN(COLUMNS, c->vocabulary - first);
  float *logits = c->logits ? c->logits + block * c->rows * COLUMNS
                            : mb_scratch(worker, MB_SLOT_KERNEL_1, sizeof(float) * (size_t)(c->rows * COLUMNS));
  if (c->narrow) MB_FN(mb_entropy_logits_bf16)(c, first, columns, logits, worker);
  else
    MB_FN(mb_gemm_serial)(&(mb_gemm_args){.m = c->rows, .n = columns, .k = c->dim, .alpha = 1,
                                          .a = c->hidden, .a_row = c->dim, .a_col = 1,
                                          .b = (const float *)c->weight + first * c->dim, .b_row = 1, .b_col = c->dim,
                                          .c = logits, .c_row = COLUMNS}, worker);
  for (int64_t row = 0; row < c->rows; row++) {
    float *x = logits + row * COLUMNS;
    if (c->bias)
      for (int64_t i = 0; i < columns; i += VL) {
        const int64_t n = MB_MIN(VL, columns - i);
        v_store_n(x + i, v_load_n(x + i, n) + v_load_n(c->bias + first + i, n), n);
      }
    if (counts(c, row)) c->statistics[block * c->rows + row] = row_statistics(x, columns, c->labels[row] - first, &c->label_logit[row]);
  }
}

#define COMBINED_ROWS 16

static void combine_body(void *context, int64_t index, int worker) {
  (void)worker;
  const entropy_context *c = context;
  const int64_t end = MB_MIN(c->rows, (index + 1) * COMBINED_ROWS);
  for (int64_t row = index * COMBINED_ROWS; row < end; row++) combine_row(c, row);
}

/* A lane takes every lanes-th block. */
static void gradients_body(void *context, int64_t lane, int worker) {
  const entropy_context *c = context;
  for (int64_t block = lane; block < c->blocks; block += c->lanes) {
    const int64_t first = block * COLUMNS, columns = MB_MIN(COLUMNS, c->vocabulary - first);
    float *logits = c->logits + block * c->rows * COLUMNS, total[COLUMNS] = {0};
    grad_logits(c, logits, first, columns, total);
    if (c->grad_bias)
      for (int64_t i = 0; i < columns; i++) c->grad_bias[first + i] = total[i] + (c->accumulate ? c->grad_bias[first + i] : 0);
    if (c->narrow) {
      MB_FN(mb_entropy_gradients_bf16)(c, lane, first, columns, logits, block != lane, worker);
      continue;
    }
    MB_FN(mb_gemm_serial)(&(mb_gemm_args){.m = columns, .n = c->dim, .k = c->rows, .alpha = 1, .accumulate = c->accumulate,
                                          .a = logits, .a_row = 1, .a_col = COLUMNS,
                                          .b = c->hidden, .b_row = c->dim, .b_col = 1,
                                          .c = c->grad_weight + first * c->dim, .c_row = c->dim}, worker);
    MB_FN(mb_gemm_serial)(&(mb_gemm_args){.m = c->rows, .n = c->dim, .k = columns, .alpha = 1, .accumulate = block != lane,
                                          .a = logits, .a_row = COLUMNS, .a_col = 1,
                                          .b = (const float *)c->weight + first * c->dim, .b_row = c->dim, .b_col = 1,
                                          .c = c->lane_grad + lane * c->rows * c->dim, .c_row = c->dim}, worker);
  }
}

static void lanes_body(void *context, int64_t row, int worker) {
  (void)worker;
  const entropy_context *c = context;
  for (int64_t d = 0; d < c->dim; d += VL) {
    const int64_t n = MB_MIN(VL, c->dim - d);
    vf sum = v_set(0);
    for (int64_t lane = 0; lane < c->lanes; lane++) sum += v_load_n(c->lane_grad + (lane * c->rows + row) * c->dim + d, n);
    v_store_n(c->grad_hidden + row * c->dim + d, sum, n);
  }
}

static void check_labels(const int32_t *labels, int64_t rows, int64_t vocabulary) {
  for (int64_t row = 0; row < rows; row++)
    if (labels[row] >= vocabulary) {
      mb_value_error("linearCrossEntropy", "expected labels below %lld, got %d in row %lld", (long long)vocabulary, (int)labels[row],
                     (long long)row);
      return;
    }
}

/* Rows per chunk: within `most`, and chunks of equal size. */
static int64_t chunk_rows(int64_t rows, int64_t most) {
  const int64_t chunks = mb_ceil_div(rows, most);
  return mb_ceil_div(rows, chunks);
}

/* views: loss sum [1], correct [1], grad hidden [M, d], grad weight [V, d], grad bias [V] (the three absent without training, the last
 * also without bias), hidden, weight, bias (or absent), labels [M]. All f32, or hidden and weight bf16 with an even d
 * where the machine multiplies it, and then the bias too or not. */
void MB_FN(mb_op_cross_entropy_forward)(const mb_view *views, const double *attributes) {
  (void)attributes;
  const int64_t rows = views[5].shape[0], dim = views[5].shape[1], vocabulary = views[6].shape[0];
  const int training = views[2].data != NULL;
  entropy_context c = {.dim = dim, .vocabulary = vocabulary, .blocks = mb_ceil_div(vocabulary, COLUMNS)};
  c.weight = views[6].data, c.bias = views[7].data, c.grad_weight = views[3].data, c.grad_bias = views[4].data;
  double loss = 0, correct = 0;
  if (rows > 0) {
    check_labels(views[8].data, rows, vocabulary);
    const int64_t block_floats = c.blocks * COLUMNS;
    const int64_t most = chunk_rows(rows, training ? MB_MAX(32, LOGIT_BYTES / 4 / block_floats) : INFERENCE_ROWS);
    char *shared = mb_scratch(0, MB_SLOT_KERNEL_0, (size_t)most * (sizeof(block_statistics) * (size_t)c.blocks + 4 * sizeof(float)) + sizeof(float) * (size_t)vocabulary);
    c.statistics = (block_statistics *)shared;
    c.label_logit = (float *)(c.statistics + most * c.blocks);
    c.log_sum = c.label_logit + most, c.loss = c.log_sum + most, c.correct = c.loss + most;
    if (c.bias && views[7].dtype != MB_F32) {
      float *wide = c.correct + most;
      MB_FN(mb_to_f32)(views[7].data, views[7].dtype, vocabulary, wide);
      c.bias = wide;
    }
    if (views[5].dtype == MB_BF16) c.narrow = MB_FN(mb_bf16_kernel)(2, dim);
    const int64_t hidden_bytes = dim * mb_bytes_of(views[5].dtype);
    if (training && c.narrow) c.hidden_panels = mb_scratch(0, MB_SLOT_KERNEL_1, (size_t)(mb_ceil_div(dim, VL) * mb_bf16_panel_words(most)) * 4);
    if (training) {
      c.logits = mb_scratch(0, MB_SLOT_KERNEL_2, sizeof(float) * (size_t)(most * block_floats));
      c.lanes = MB_MIN(c.blocks, MB_MAX(4, MB_MIN(32, LANE_BYTES / 4 / (most * dim))));
      c.lane_grad = mb_scratch(0, MB_SLOT_KERNEL_3, sizeof(float) * (size_t)(c.lanes * most * dim));
    }
    for (int64_t first = 0; first < rows; first += most) {
      c.rows = MB_MIN(most, rows - first);
      c.accumulate = first > 0;
      c.hidden = (const char *)views[5].data + first * hidden_bytes;
      c.labels = (const int32_t *)views[8].data + first;
      mb_parallel(c.blocks, logits_body, &c);
      mb_parallel(mb_ceil_div(c.rows, COMBINED_ROWS), combine_body, &c);
      for (int64_t row = 0; row < c.rows; row++) loss += c.loss[row], correct += c.correct[row];
      if (!training) continue;
      c.grad_hidden = (float *)views[2].data + first * dim;
      if (c.narrow) MB_FN(mb_entropy_pack_hidden)(&c);
      mb_parallel(c.lanes, gradients_body, &c);
      mb_parallel(c.rows, lanes_body, &c);
    }
  } else if (training) {
    memset(c.grad_weight, 0, sizeof(float) * (size_t)(vocabulary * dim));
    if (c.grad_bias) memset(c.grad_bias, 0, sizeof(float) * (size_t)vocabulary);
  }
  *(float *)views[0].data = (float)loss;
  *(float *)views[1].data = (float)correct;
}

#define SCALED_ELEMENTS 65536

typedef struct {
  const float *from;
  char *to;
  int32_t dtype; /* of `to`: f32 or bf16 */
  float factor;
  int64_t size;
} scale_context;

static void scale_body(void *context, int64_t index, int worker) {
  (void)worker;
  const scale_context *c = context;
  const int64_t end = MB_MIN(c->size, (index + 1) * SCALED_ELEMENTS);
  for (int64_t i = index * SCALED_ELEMENTS; i < end; i += VL) {
    const int64_t n = MB_MIN(VL, end - i);
    const vf value = c->factor * v_load_n(c->from + i, n);
    if (c->dtype == MB_BF16) v_store_bf16((uint16_t *)c->to + i, value, n);
    else v_store_n((float *)c->to + i, value, n);
  }
}

/* views: grad hidden, grad weight, grad bias (each may be absent; f32 or bf16), grad loss [1], then the three of the forward. */
void MB_FN(mb_op_cross_entropy_backward)(const mb_view *views, const double *attributes) {
  (void)attributes;
  for (int which = 0; which < 3; which++) {
    if (views[which].data == NULL) continue;
    scale_context context = {views[4 + which].data, views[which].data, views[which].dtype, *(const float *)views[3].data, mb_size_of(&views[which])};
    mb_parallel(mb_ceil_div(context.size, SCALED_ELEMENTS), scale_body, &context);
  }
}
