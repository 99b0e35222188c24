/* Attention over packed sequences, backward: probabilities are recomputed from the saved log-sum-exp, five small products per tile. Here in f32.
 *
 * Contributions to dQ are added straight into the gradient, in the order of the key blocks: a task waits for its turn at each block of
 * queries. That costs no memory (partial dQ of an 8,192-token sequence would be 200 MB), no recomputation (a second pass for dQ would make
 * seven products of five) and gives the same bits for any number of threads. The list of tasks runs over key blocks first, so the turn has
 * nearly always come before a task asks for it. */
#include "attention/backward.h"
#include "base/convert.h"

typedef float number;

#define ROWS_IN_WORD 1
#define WORDS(dim) (dim)
#define ROW_WORDS(shape) ((shape)->width)
#define TASK_TARGET
#define product tile_product
#define scaled(score, scale) (score) /* keys are */
#define pack_row_words pack_rows
#define pack_panel(to, from, stride, rows, dim, scale) pack_transposed(to, TILE_LANES, from, stride, rows, dim, scale)
#define pack_both(to, words, width, from, stride, rows, dim) pack_rows(to, width, from, stride, rows, ROWS, dim)
#define put_numbers v_store_n

MB_INLINE void put_tile(int rows, const backward_state *state, int64_t r, int64_t key, vf probabilities[TILE_LINES][TILE_VECTORS],
                        vf grad_scores[TILE_LINES][TILE_VECTORS]) {
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < TILE_VECTORS; v++) {
      const int64_t at = (r + i) * KEY_BLOCK + key + v * VL;
      v_store(state->probabilities + at, probabilities[i][v]);
      v_store(state->grad_scores + at, grad_scores[i][v]);
    }
}

#include "attention/backward_task.h"

void MB_FN(mb_attention_backward_task)(void *call, int64_t index, int worker) { backward_task(call, index, worker); }

#define DELTA_TOKENS 64

static void delta_body(void *context, int64_t index, int worker) {
  const attention_backward_call *c = context;
  const attention_shape *shape = &c->shape;
  float *room = mb_scratch(worker, MB_SLOT_KERNEL_2, 2 * sizeof(float) * (size_t)shape->dim);
  const int64_t dim = shape->dim, end = MB_MIN(shape->tokens, (index + 1) * DELTA_TOKENS);
  for (int64_t token = index * DELTA_TOKENS; token < end; token++)
    for (int64_t head = 0; head < shape->heads; head++) {
      const int64_t at = (token * shape->heads + head) * dim;
      const float *out = mb_as_f32(c->out, c->dtype, at, dim, room), *grad_out = mb_as_f32(c->grad_out, c->dtype, at, dim, room + dim);
      vf sum = v_set(0);
      for (int64_t d = 0; d < dim; d += VL) {
        const int64_t n = MB_MIN(VL, dim - d);
        sum += v_load_n(out + d, n) * v_load_n(grad_out + d, n);
      }
      c->delta[head * shape->tokens + token] = v_sum(sum);
    }
}

/* A gradient in f32, and where it belongs in 16 bits. */
typedef struct {
  char *narrow;
  int32_t dtype;
  int64_t width, narrow_row; /* numbers of a token, and from one to the next */
  float *wide;
} token_rows;

static void narrow_body(void *context, int64_t token, int worker) {
  (void)worker;
  const token_rows *c = context;
  MB_FN(mb_from_f32)(c->wide + token * c->width, c->width, c->narrow + token * c->narrow_row * mb_bytes_of(c->dtype), c->dtype);
}

/* Where bodies take f32 only: 16-bit tensors are widened into scratch. Returns where the gradient is made. */
static float *widen_all(attention_backward_call *c) {
  const int64_t tokens = c->shape.tokens, width = c->shape.heads * c->shape.dim;
  float *wide = mb_scratch(0, MB_SLOT_KERNEL_3, sizeof(float) * (size_t)MB_MAX(1, 8 * tokens * width));
  const void **tensors[] = {&c->qkv, &c->out, &c->grad_out};
  for (int i = 0; i < 3; i++) {
    const int64_t own = i == 0 ? 3 * width : width;
    MB_FN(mb_widen_rows)(*tensors[i], c->dtype, tokens, own, wide);
    *tensors[i] = wide;
    wide += tokens * own;
  }
  c->dtype = MB_F32;
  c->grad_qkv = wide;
  return wide;
}

/* views: grad qkv [T, 3, H, D], qkv, cuSeqlens [N + 1], out [T, H, D], lse [H, T], grad out, step of the dropout or absent; all but lse in one
 * float dtype; attributes: those of attention_shape_of. */
void MB_FN(mb_op_attention_backward)(const mb_view *views, const double *attributes) {
  const mb_view *qkv = &views[1], *cu_seqlens = &views[2];
  const int64_t sequences = cu_seqlens->shape[0] - 1;
  attention_backward_call context = {.shape = attention_shape_of(qkv, &views[6], attributes), .dtype = qkv->dtype, .qkv = qkv->data};
  const attention_shape *shape = &context.shape;
  const int64_t width = shape->heads * shape->dim;
  context.grad_qkv = views[0].data;
  context.out = views[3].data;
  context.lse = views[4].data;
  context.grad_out = views[5].data;
  if (!attention_check(cu_seqlens->data, sequences, shape->tokens)) {
    memset(context.grad_qkv, 0, (size_t)(mb_size_of(qkv) * mb_bytes_of(qkv->dtype)));
    return;
  }
  const mb_body pairs = MB_FN(mb_attention_backward_pairs)(qkv->dtype, shape->dim);
  mb_body body = pairs ? pairs : MB_FN(mb_attention_backward_task);
  context.key_block = KEY_BLOCK;
#if defined(__AMX_BF16__)
  if (shape->dim % 32 == 0 && shape->dropout.rate == 0) {
    body = MB_FN(mb_attention_backward_amx_task);
    context.key_block = AMX_KEY_BLOCK;
  }
#endif
  token_rows rounded = {.narrow = context.grad_qkv, .dtype = qkv->dtype, .width = pairs ? width : 3 * width, .narrow_row = 3 * width};
  if (pairs) {
    rounded.wide = mb_scratch(0, MB_SLOT_KERNEL_3, sizeof(float) * (size_t)MB_MAX(1, shape->tokens * width));
    context.grad_queries = rounded.wide;
    context.grad_queries_row = width;
  } else {
    if (qkv->dtype != MB_F32) rounded.wide = widen_all(&context);
    context.grad_queries = context.grad_qkv;
    context.grad_queries_row = 3 * width;
  }
  const int64_t bound = attention_task_bound(shape, sequences, context.key_block);
  attention_task *list = mb_scratch(0, MB_SLOT_KERNEL_0, sizeof(attention_task) * (size_t)bound);
  const int64_t tasks = attention_tasks(list, shape, cu_seqlens->data, sequences, context.key_block);
  context.tasks = list;
  context.turns_per_head = shape->tokens / ROWS + sequences;
  const size_t turn_bytes = sizeof(atomic_int) * (size_t)(shape->heads * context.turns_per_head);
  context.turns = mb_scratch(0, MB_SLOT_KERNEL_1, turn_bytes + sizeof(float) * (size_t)(shape->heads * shape->tokens));
  context.delta = (float *)(context.turns + shape->heads * context.turns_per_head);
  memset(context.turns, 0, turn_bytes);
  mb_parallel(round_up(shape->tokens, DELTA_TOKENS) / DELTA_TOKENS, delta_body, &context);
  mb_parallel(tasks, body, &context);
  if (rounded.wide) mb_parallel(shape->tokens, narrow_body, &rounded);
}
