/* The body of a backward task on vectors, for factors of one kind: f32 (attention/backward.c) or pairs of bf16 (attention/backward_pairs.c).
 *
 * A task owns up to KEY_BLOCK keys of one head, packs K and V (K also transposed) once, and walks over the queries that see them, ROWS at a
 * time: P = exp2(Q·Kᵀ - lse), dS = P ∘ (dO·Vᵀ - Δ) (with the factors F of dropout P ∘ (F ∘ dO·Vᵀ - Δ), and P ∘ F for P below),
 * dV += Pᵀ·dO, dK += dSᵀ·Q stay with the task, dQ += dS·K belongs to the queries and gets a contribution from every task of its
 * (sequence, head).
 *
 * Words are those of attention/forward_task.h. Whoever includes this says
 *
 *   number            the type of the numbers of qkv, out and their gradients
 *   ROWS_IN_WORD      where rows lie along the sum of a product, 1 or 2
 *   WORDS(dim)        of a row where numbers do
 *   ROW_WORDS(shape)  from one such row to the next: WORDS(dim), or width where both kinds of rows are one
 *   TASK_TARGET       an attribute of all functions, or nothing
 *   product           tile_product over such words
 *   scaled(x, scale)  of a score that came out of it
 *   pack_panel        TILE_LANES rows turned, times `scale` where `scaled` does nothing; zeros from `rows` on
 *   pack_row_words    rows to words [total / ROWS_IN_WORD][width], zeros from `rows` on
 *   pack_both         ROWS rows in both kinds of words, zeros from `rows` on
 *   put_tile          P and dS of `rows` queries from r on and TILE_LANES keys from `key` on, as words
 *   put_numbers       up to VL numbers of a gradient */
#ifndef MB_ATTENTION_BACKWARD_TASK_H
#define MB_ATTENTION_BACKWARD_TASK_H

#include "attention/gradients.h"

static float *take(float **scratch, int64_t floats) {
  float *taken = *scratch;
  *scratch += floats;
  return taken;
}

TASK_TARGET static void backward_task(void *context, int64_t index, int worker) {
  const attention_backward_call *c = context;
  const attention_shape *shape = &c->shape;
  const attention_task *task = &c->tasks[index];
  const int64_t dim = shape->dim, width = shape->width, row = shape->row, out_row = shape->heads * dim;
  const int64_t words = WORDS(dim), row_words = ROW_WORDS(shape);
  float *scratch = mb_scratch(worker, MB_SLOT_KERNEL_2,
                              sizeof(float) * (size_t)(KEY_BLOCK * (2 * words + 3 * width) + ROWS * (2 * row_words + 2 * width + 4 * KEY_BLOCK)));
  backward_state state;
  state.probabilities = take(&scratch, ROWS / ROWS_IN_WORD * KEY_BLOCK);
  state.grad_scores = take(&scratch, ROWS / ROWS_IN_WORD * KEY_BLOCK);
  state.grad_scores_by_key = ROWS_IN_WORD == 1 ? state.grad_scores : take(&scratch, ROWS / ROWS_IN_WORD * KEY_BLOCK);
  state.factors = take(&scratch, ROWS * KEY_BLOCK);
  state.queries = take(&scratch, ROWS * row_words);
  state.grad_out = take(&scratch, ROWS * row_words);
  state.query_words = ROWS_IN_WORD == 1 ? state.queries : take(&scratch, ROWS / ROWS_IN_WORD * width);
  state.grad_out_words = ROWS_IN_WORD == 1 ? state.grad_out : take(&scratch, ROWS / ROWS_IN_WORD * width);
  state.keys = take(&scratch, KEY_BLOCK / ROWS_IN_WORD * width);
  state.grad_keys = take(&scratch, KEY_BLOCK * width);
  state.grad_values = take(&scratch, KEY_BLOCK * width);
  state.keys_panels = take(&scratch, KEY_BLOCK * words);
  state.values_panels = take(&scratch, KEY_BLOCK * words);

  const int64_t block = task->start + task->first, padded = round_up(task->count, TILE_LANES);
  const number *queries = (const number *)c->qkv + task->start * row + task->head * dim;
  const number *keys = queries + task->first * row + out_row, *values = keys + out_row;
  pack_row_words(state.keys, width, keys, row, task->count, padded, dim);
  for (int64_t key = 0; key < padded; key += TILE_LANES) {
    pack_panel(state.keys_panels + key * words, keys + key * row, row, task->count - key, dim, (float)(shape->scale * LOG2_E));
    pack_panel(state.values_panels + key * words, values + key * row, row, task->count - key, dim, 1);
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
    const number *grad_out = (const number *)c->grad_out + at * out_row + task->head * dim;
    pack_both(state.queries, state.query_words, width, queries + query * row, row, count, dim);
    pack_both(state.grad_out, state.grad_out_words, width, grad_out, out_row, count, dim);
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
    add_transposed(state.grad_values, width, state.probabilities, state.grad_out_words, b.from, b.to);
    add_transposed(state.grad_keys, width, state.grad_scores, state.query_words, b.from, b.to);
    const int before = turns_before(c, task, query);
    atomic_int *turn = &turns[query / ROWS];
    wait_for_turn(turn, before);
    add_all_grad_queries(c->grad_queries + at * c->grad_queries_row + task->head * dim, c->grad_queries_row, shape, &state, &b, count, before == 0);
    atomic_store_explicit(turn, before + 1, memory_order_release);
  }
  number *grad_keys = (number *)c->grad_qkv + block * row + out_row + task->head * dim;
  for (int64_t r = 0; r < task->count; r++)
    for (int64_t d = 0; d < dim; d += VL) {
      const int64_t n = MB_MIN(VL, dim - d);
      put_numbers(grad_keys + r * row + d, v_load(state.grad_keys + r * width + d) * shape->scale, n);
      put_numbers(grad_keys + r * row + out_row + d, v_load(state.grad_values + r * width + d), n);
    }
}

#endif
