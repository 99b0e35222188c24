/* Attention over packed sequences, backward: probabilities are recomputed from the saved log-sum-exp, five small products per tile.
 *
 * A task owns up to KEY_BLOCK keys of one head, packs K and V (also transposed) once, and walks over the queries that see them, ROWS at a
 * time: P = exp2(Q·Kᵀ - lse), dS = P ∘ (dO·Vᵀ - Δ) (with the factors F of dropout P ∘ (F ∘ dO·Vᵀ - Δ), and P ∘ F for P below),
 * dV += Pᵀ·dO, dK += dSᵀ·Q stay with the task, dQ += dS·K belongs to the queries and
 * gets a contribution from every task of its (sequence, head). Those are added straight into the gradient, in the order of the key blocks:
 * a task waits for its turn at each block of queries. That costs no memory (partial dQ of an 8,192-token sequence would be 200 MB), no
 * recomputation (a second pass for dQ would make seven products of five) and gives the same bits for any number of threads. The list of
 * tasks runs over key blocks first, so the turn has nearly always come before a task asks for it. */
#include "attention/backward.h"
#include "attention/gradients.h"

static float *take(float **scratch, int64_t floats) {
  float *taken = *scratch;
  *scratch += floats;
  return taken;
}

void MB_FN(mb_attention_backward_task)(void *context, int64_t index, int worker) {
  const attention_backward_call *c = context;
  const attention_shape *shape = &c->shape;
  const attention_task *task = &c->tasks[index];
  const int64_t dim = shape->dim, width = shape->width, row = shape->row, out_row = shape->heads * dim;
  float *scratch = mb_scratch(worker, MB_SLOT_KERNEL_2,
                              sizeof(float) * (size_t)(KEY_BLOCK * (2 * dim + 3 * width) + ROWS * (2 * width + 3 * KEY_BLOCK)));
  backward_state state;
  state.probabilities = take(&scratch, ROWS * KEY_BLOCK);
  state.grad_scores = take(&scratch, ROWS * KEY_BLOCK);
  state.factors = take(&scratch, ROWS * KEY_BLOCK);
  state.queries = take(&scratch, ROWS * width);
  state.grad_out = take(&scratch, ROWS * width);
  state.keys = take(&scratch, KEY_BLOCK * width);
  state.grad_keys = take(&scratch, KEY_BLOCK * width);
  state.grad_values = take(&scratch, KEY_BLOCK * width);
  state.keys_panels = take(&scratch, KEY_BLOCK * dim);
  state.values_panels = take(&scratch, KEY_BLOCK * dim);

  const int64_t block = task->start + task->first, padded = round_up(task->count, TILE_LANES);
  const float *queries = c->qkv + task->start * row + task->head * dim;
  const float *keys = queries + task->first * row + out_row, *values = keys + out_row;
  pack_rows(state.keys, width, keys, row, task->count, padded, dim);
  for (int64_t key = 0; key < padded; key += TILE_LANES) {
    pack_transposed(state.keys_panels + key * dim, TILE_LANES, keys + key * row, row, task->count - key, dim, (float)(shape->scale * LOG2_E));
    pack_transposed(state.values_panels + key * dim, TILE_LANES, values + key * row, row, task->count - key, dim, 1);
  }
  memset(state.grad_keys, 0, sizeof(float) * (size_t)(padded * width));
  memset(state.grad_values, 0, sizeof(float) * (size_t)(padded * width));

  const int64_t first = MB_MAX(0, task->first - shape->window) / ROWS * ROWS;
  const int64_t end = MB_MIN(task->length, task->first + task->count + shape->window);
  atomic_int *turns = c->turns + task->head * c->turns_per_head + task->start / ROWS + task->sequence;
  for (int64_t query = first; query < end; query += ROWS) {
    const int64_t count = MB_MIN(ROWS, task->length - query), at = task->start + query;
    band b = {.query = query, .key = task->first, .window = shape->window, .last_key = task->first + task->count - 1};
    b.from = MB_MAX(0, query - shape->window - task->first) / TILE_LANES * TILE_LANES;
    b.to = round_up(MB_MIN(task->count, query + count + shape->window - task->first), TILE_LANES);
    float lse[ROWS] = {0}, delta[ROWS] = {0};
    memcpy(lse, c->lse + task->head * shape->tokens + at, sizeof(float) * (size_t)count);
    memcpy(delta, c->delta + task->head * shape->tokens + at, sizeof(float) * (size_t)count);
    b.lse = lse;
    b.delta = delta;
    pack_rows(state.queries, width, queries + query * row, row, count, ROWS, dim);
    pack_rows(state.grad_out, width, c->grad_out + at * out_row + task->head * dim, out_row, count, ROWS, dim);
    if (shape->dropout.rate > 0)
      for (int64_t r = 0; r < ROWS; r++) /* those of rows that are none multiply zeros, and have to be numbers */
        dropout_factors(&shape->dropout, state.factors + r * KEY_BLOCK, attention_draw(shape, at + r, task->head) + task->first, padded);
    for (int64_t key = b.from; key < b.to; key += TILE_LANES)
      for (int64_t r = 0; r < ROWS;) {
        const int rows = tile_step(ROWS - r);
        if (rows == TILE_LINES) probability_rows(TILE_LINES, &state, shape, &b, r, key);
        else probability_rows(4, &state, shape, &b, r, key);
        r += rows;
      }
    add_transposed(state.grad_values, width, state.probabilities, state.grad_out, b.from, b.to);
    add_transposed(state.grad_keys, width, state.grad_scores, state.queries, b.from, b.to);
    const int before = turns_before(c, task, query);
    atomic_int *turn = &turns[query / ROWS];
    wait_for_turn(turn, before);
    add_all_grad_queries(c->grad_qkv + at * row + task->head * dim, shape, &state, &b, count, before == 0);
    atomic_store_explicit(turn, before + 1, memory_order_release);
  }
  float *grad_keys = c->grad_qkv + block * row + out_row + task->head * dim;
  for (int64_t r = 0; r < task->count; r++)
    for (int64_t d = 0; d < dim; d += VL) {
      const int64_t n = MB_MIN(VL, dim - d);
      v_store_n(grad_keys + r * row + d, v_load(state.grad_keys + r * width + d) * shape->scale, n);
      v_store_n(grad_keys + r * row + out_row + d, v_load(state.grad_values + r * width + d), n);
    }
}

#define DELTA_TOKENS 64

static void delta_body(void *context, int64_t index, int worker) {
  (void)worker;
  const attention_backward_call *c = context;
  const attention_shape *shape = &c->shape;
  const int64_t dim = shape->dim, end = MB_MIN(shape->tokens, (index + 1) * DELTA_TOKENS);
  for (int64_t token = index * DELTA_TOKENS; token < end; token++)
    for (int64_t head = 0; head < shape->heads; head++) {
      const int64_t at = (token * shape->heads + head) * dim;
      vf sum = v_set(0);
      for (int64_t d = 0; d < dim; d += VL) {
        const int64_t n = MB_MIN(VL, dim - d);
        sum += v_load_n(c->out + at + d, n) * v_load_n(c->grad_out + at + d, n);
      }
      c->delta[head * shape->tokens + token] = v_sum(sum);
    }
}

/* views: grad qkv [T, 3, H, D], qkv, cuSeqlens [N + 1], out [T, H, D], lse [H, T], grad out, step of the dropout or absent; attributes:
 * those of attention_shape_of. */
void MB_FN(mb_op_attention_backward)(const mb_view *views, const double *attributes) {
  const mb_view *qkv = &views[1], *cu_seqlens = &views[2];
  const int64_t sequences = cu_seqlens->shape[0] - 1;
  attention_backward_call context = {.shape = attention_shape_of(qkv, &views[6], attributes), .qkv = qkv->data};
  const attention_shape *shape = &context.shape;
  context.grad_qkv = views[0].data;
  context.out = views[3].data;
  context.lse = views[4].data;
  context.grad_out = views[5].data;
  if (!attention_check(cu_seqlens->data, sequences, shape->tokens)) {
    memset(context.grad_qkv, 0, sizeof(float) * (size_t)mb_size_of(qkv));
    return;
  }
  mb_body body = MB_FN(mb_attention_backward_task);
  context.key_block = KEY_BLOCK;
#if defined(__AMX_BF16__)
  if (shape->dim % 32 == 0 && shape->dropout.rate == 0) {
    body = MB_FN(mb_attention_backward_amx_task);
    context.key_block = AMX_KEY_BLOCK;
  }
#endif
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
}
