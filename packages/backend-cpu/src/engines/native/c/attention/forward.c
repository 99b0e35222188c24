/* Attention over packed sequences, forward: tiles in cache, online softmax, never an S × S matrix (Dao et al., FlashAttention). Here in f32, on
 * vectors; rows of 16 bits are widened as they are packed. */
#include "attention/attention.h"
#include "base/convert.h"

/* Rows of one head in f32, the first at `at` of qkv. */
typedef struct {
  const float *data;
  int64_t stride;
} head_rows;

static head_rows rows_at(const attention_forward_call *c, int64_t at, int64_t rows, float *wide) {
  const attention_shape *shape = &c->shape;
  if (c->dtype == MB_F32) return (head_rows){(const float *)c->qkv + at, shape->row};
  for (int64_t r = 0; r < rows; r++) mb_as_f32(c->qkv, c->dtype, at + r * shape->row, shape->dim, wide + r * shape->dim);
  return (head_rows){wide, shape->dim};
}

#define KEYS_IN_WORD 1
#define WORDS(dim) (dim)
#define TASK_TARGET
#define product tile_product
#define scaled(score, scale) (score) /* queries are */
#define pack_probabilities(scores, count)

static inline void pack_queries(const attention_forward_call *c, int64_t at, int64_t rows, float *to, float *wide) {
  const head_rows from = rows_at(c, at, rows, wide);
  pack_transposed(to, TILE_LANES, from.data, from.stride, rows, c->shape.dim, (float)(c->shape.scale * LOG2_E));
}

static inline void pack_keys(const attention_forward_call *c, int64_t at, int64_t count, float *to, float *wide) {
  const head_rows from = rows_at(c, at, count, wide);
  pack_rows(to, c->shape.dim, from.data, from.stride, count, round_up(count, 4), c->shape.dim);
}

static inline void pack_values(const attention_forward_call *c, int64_t at, int64_t count, float *to, float *wide) {
  const head_rows from = rows_at(c, at, count, wide);
  pack_rows(to, c->shape.width, from.data, from.stride, count, round_up(count, 4), c->shape.dim);
}

#include "attention/forward_task.h"

void MB_FN(mb_attention_forward_task)(void *call, int64_t index, int worker) { forward_task(call, index, worker); }

/* views: out [T, H, D], lse [H, T] (base 2, or absent), qkv [T, 3, H, D], cuSeqlens [N + 1], step of the dropout [2] or absent; out and qkv in one
 * float dtype; attributes: those of attention_shape_of. */
void MB_FN(mb_op_attention_forward)(const mb_view *views, const double *attributes) {
  const mb_view *out = &views[0], *lse = &views[1], *qkv = &views[2], *cu_seqlens = &views[3];
  const int64_t sequences = cu_seqlens->shape[0] - 1;
  attention_forward_call call = {attention_shape_of(qkv, &views[4], attributes), qkv->dtype, qkv->data, out->data, lse->data, NULL};
  if (!attention_check(cu_seqlens->data, sequences, call.shape.tokens)) {
    memset(out->data, 0, (size_t)(mb_size_of(out) * mb_bytes_of(out->dtype)));
    if (lse->data) memset(lse->data, 0, sizeof(float) * (size_t)mb_size_of(lse));
    return;
  }
#if defined(__AMX_BF16__)
  if (call.shape.dim % 32 == 0 && call.shape.dropout.rate == 0) {
    MB_FN(mb_attention_forward_amx)(&call, cu_seqlens->data, sequences);
    return;
  }
#endif
  const mb_body pairs = MB_FN(mb_attention_pairs_task)(&call);
  attention_run(&call, cu_seqlens->data, sequences, QUERY_BLOCK, pairs ? pairs : forward_task);
}
