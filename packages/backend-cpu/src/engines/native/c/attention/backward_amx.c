/* Attention's backward on AMX tiles (attention/amx_block.h), for head dimensions 32, 64, 96, …: the five products of attention/backward.c.
 *
 * Scores and their gradients are [key][query] with one query per SIMD lane, 32 × 32 at a time. P and dS are cut into parts with queries
 * as depth for dV += P·dO and dK += dS·Q, dS once more with keys as depth for dQᵀ = Kᵀ·dS. */
#include "attention/backward.h"

#if defined(__AMX_BF16__)
#include "attention/amx_pack.h"

#define KEY_BLOCKS (AMX_KEY_BLOCK / 32)

typedef struct {
  char *keys, *values, *keys_columns;           /* [KEY_BLOCKS][dim / 32], A; keys times scale · log2(e), keys_columns as they are */
  char *queries, *grad_out;                     /* [dim / 32], B: lines are queries */
  char *queries_columns, *grad_out_columns;     /* [dim / 32], B: depth is queries */
  char *probabilities, *grad_scores;            /* one block, A: lines are keys */
  char *grad_scores_columns;                    /* [KEY_BLOCKS], B: depth is keys */
  float *partial;                                  /* [32][32] */
  float *grad_keys, *grad_values;               /* [AMX_KEY_BLOCK][dim] */
} amx_state;

/* 32 queries from `query` on against 32 keys from `key` on. */
typedef struct {
  int64_t query, key, last_key, window;
  int64_t block; /* of the task's keys */
  float *scores, *products; /* [32 keys][32 queries] */
  char *grad_scores_columns;
  vf lse[2], delta[2];
} score_block;

/* P = exp2(S - lse) and dS = P ∘ (dO·Vᵀ - Δ) for keys from…to-1 and 16 + from…15 + to of the block, in parts. */
MB_INLINE void differentiate(const amx_state *state, const score_block *b, int64_t from, int64_t to) {
  const int whole = b->key >= b->query + 31 - b->window && b->key + 31 <= MB_MIN(b->query + b->window, b->last_key);
  for (int64_t r = from; r < to; r++) {
    vf probability[2][2], grad[2][2];
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++)
#pragma GCC unroll 2
      for (int v = 0; v < 2; v++) {
        const int64_t row = 16 * half + r, at = row * 32 + v * VL;
        probability[half][v] = v_exp2_negative(v_load(b->scores + at) - b->lse[v]);
        if (!whole) {
          const vi distance = v_lanes() + (int32_t)(b->query + v * VL - b->key - row);
          const int32_t window = b->key + row <= b->last_key ? (int32_t)MB_MIN(b->window, INT32_MAX) : -1;
          probability[half][v] = v_blend((distance <= window) & (distance >= -window), probability[half][v], v_set(0));
        }
        grad[half][v] = probability[half][v] * (v_load(b->products + at) - b->delta[v]);
      }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
      amx_split(state->probabilities + i * MB_AMX_TILE_BYTES + r * 64, probability[i][0], probability[i][1]);
      amx_split(state->grad_scores + i * MB_AMX_TILE_BYTES + r * 64, grad[i][0], grad[i][1]);
      amx_split(b->grad_scores_columns + i * MB_AMX_TILE_BYTES + r * 64, grad[0][i], grad[1][i]);
    }
  }
}

/* The scores and products of a block of keys, while the block before it (if any) is differentiated. */
MB_INLINE void multiply_and_differentiate(int64_t dim_blocks, const amx_state *state, const score_block *next, const score_block *now) {
  const int64_t rows = now ? 16 : 0, steps = 2 * 6 * dim_blocks, at = next->block * dim_blocks * AMX_BLOCK_BYTES;
  for (int64_t of = 0; of < 2; of++) {
    const char *left = (of ? state->values : state->keys) + at, *right = of ? state->grad_out : state->queries;
    amx_zero();
    for (int64_t d = 0; d < dim_blocks; d++)
#pragma GCC unroll 6
      for (int step = 0; step < 6; step++) {
        const int64_t done = (of * dim_blocks + d) * 6 + step;
        amx_add_step(step, left + d * AMX_BLOCK_BYTES, right + d * AMX_BLOCK_BYTES);
        if (now) differentiate(state, now, done * rows / steps, (done + 1) * rows / steps);
      }
    amx_store(of ? next->products : next->scores, 32);
  }
}

/* to [32 keys][dim] += left · right */
static void add_gradient(float *to, int64_t dim, const char *left, const char *right) {
  for (int64_t d = 0; d < dim; d += 32) {
    amx_load(to + d, dim);
    amx_add_product(left, right + d / 32 * AMX_BLOCK_BYTES);
    amx_store(to + d, dim);
  }
}

/* grad [count queries][dim] (+)= scale · dS · K, over the blocks from…to-1 of keys. */
static void add_grad_queries(float *grad, const attention_shape *shape, const amx_state *state, int64_t from, int64_t to, int64_t count,
                             int overwrite) {
  const int64_t dim_blocks = shape->dim / 32;
  for (int64_t d = 0; d < dim_blocks; d++) {
    amx_zero();
    for (int64_t k = from; k < to; k++)
      amx_add_product(state->keys_columns + (k * dim_blocks + d) * AMX_BLOCK_BYTES, state->grad_scores_columns + k * AMX_BLOCK_BYTES);
    amx_store(state->partial, 32);
    for (int i = 0; i < 32; i += VL)
      for (int q = 0; q < 32 && q < count; q += VL) {
        vf block[VL];
#pragma GCC unroll 16
        for (int r = 0; r < VL; r++) block[r] = v_load(state->partial + (i + r) * 32 + q) * shape->scale;
        v_transpose(block);
        for (int r = 0; r < MB_MIN(VL, count - q); r++) {
          float *at = grad + (q + r) * shape->row + d * 32 + i;
          v_store(at, overwrite ? block[r] : v_load(at) + block[r]);
        }
      }
  }
}

static char *take(char **scratch, int64_t bytes) {
  char *taken = *scratch;
  *scratch += bytes;
  return taken;
}

void MB_FN(mb_attention_backward_amx_task)(void *call, int64_t index, int worker) {
  const attention_backward_call *c = call;
  const attention_shape *shape = &c->shape;
  const attention_task *task = &c->tasks[index];
  if (task->length <= AMX_SHORT) {
    MB_FN(mb_attention_backward_task)(call, index, worker);
    return;
  }
  const int64_t dim = shape->dim, dim_blocks = dim / 32, row = shape->row, out_row = shape->heads * dim, window = shape->window;
  const int64_t line = dim_blocks * AMX_BLOCK_BYTES, gradient_bytes = AMX_KEY_BLOCK * dim * (int64_t)sizeof(float);
  char *scratch = mb_scratch(worker, MB_SLOT_KERNEL_2,
                             (size_t)((3 * KEY_BLOCKS + 4) * line + (2 + KEY_BLOCKS) * AMX_BLOCK_BYTES + 5 * 4096 + 2 * gradient_bytes));
  amx_state state;
  state.keys = take(&scratch, KEY_BLOCKS * line);
  state.values = take(&scratch, KEY_BLOCKS * line);
  state.keys_columns = take(&scratch, KEY_BLOCKS * line);
  state.queries = take(&scratch, line);
  state.grad_out = take(&scratch, line);
  state.queries_columns = take(&scratch, line);
  state.grad_out_columns = take(&scratch, line);
  state.probabilities = take(&scratch, AMX_BLOCK_BYTES);
  state.grad_scores = take(&scratch, AMX_BLOCK_BYTES);
  state.grad_scores_columns = take(&scratch, KEY_BLOCKS * AMX_BLOCK_BYTES);
  float *score_memory = (float *)take(&scratch, 4 * 4096);
  state.partial = (float *)take(&scratch, 4096);
  state.grad_keys = (float *)take(&scratch, gradient_bytes);
  state.grad_values = (float *)take(&scratch, gradient_bytes);

  const float *queries = (const float *)c->qkv + task->start * row + task->head * dim;
  const float *keys = queries + task->first * row + out_row, *values = keys + out_row;
  for (int64_t k = 0; k < task->count; k += 32) {
    const int64_t at = k / 32 * line, rows = task->count - k;
    pack_lines_a(state.keys + at, keys + k * row, row, rows, dim, (float)(shape->scale * LOG2_E));
    pack_lines_a(state.values + at, values + k * row, row, rows, dim, 1);
    pack_columns_a(state.keys_columns + at, keys + k * row, row, rows, dim);
  }
  const size_t used_bytes = sizeof(float) * (size_t)(round_up(task->count, 32) * dim);
  memset(state.grad_keys, 0, used_bytes);
  memset(state.grad_values, 0, used_bytes);

  mb_amx_begin();
  const int64_t first = MB_MAX(0, task->first - window) / ROWS * ROWS, end = MB_MIN(task->length, task->first + task->count + window);
  atomic_int *turns = c->turns + task->head * c->turns_per_head + task->start / ROWS + task->sequence;
  for (int64_t query = first; query < end; query += ROWS) {
    const int64_t count = MB_MIN(ROWS, task->length - query), at = task->start + query;
    const float *query_rows = queries + query * row, *grad_rows = (const float *)c->grad_out + at * out_row + task->head * dim;
    prefetch_rows(query_rows + ROWS * row, row, MB_MIN(ROWS, end - query - ROWS), dim);
    prefetch_rows(grad_rows + ROWS * out_row, out_row, MB_MIN(ROWS, end - query - ROWS), dim);
    pack_lines_b(state.queries, query_rows, row, count, dim, 1);
    pack_columns_b(state.queries_columns, query_rows, row, count, dim);
    pack_lines_b(state.grad_out, grad_rows, out_row, count, dim, 1);
    pack_columns_b(state.grad_out_columns, grad_rows, out_row, count, dim);
    score_block b = {.query = query, .window = window, .last_key = task->first + task->count - 1};
    for (int v = 0; v < 2; v++) {
      const int64_t lanes = MB_MAX(0, MB_MIN(VL, count - v * VL)), of = task->head * shape->tokens + at + v * VL;
      b.lse[v] = v_load_n(c->lse + of, lanes);
      b.delta[v] = v_load_n(c->delta + of, lanes);
    }
    const int64_t from = MB_MAX(0, query - window - task->first) / 32;
    const int64_t to = round_up(MB_MIN(task->count, query + count + window - task->first), 32) / 32;
    score_block blocks[2] = {b, b};
    for (int64_t k = from; k <= to; k++) { /* one after the last: only differentiates */
      score_block *next = &blocks[k & 1], *now = &blocks[~k & 1];
      next->block = k;
      next->key = task->first + k * 32;
      next->scores = score_memory + (k & 1) * 2048;
      next->products = next->scores + 1024;
      next->grad_scores_columns = state.grad_scores_columns + k * AMX_BLOCK_BYTES;
      __asm__ volatile("" ::: "memory"); /* tiles are loaded from what was stored */
      if (k == to) differentiate(&state, now, 0, 16);
      else if (dim_blocks == 2) multiply_and_differentiate(2, &state, next, k > from ? now : NULL);
      else multiply_and_differentiate(dim_blocks, &state, next, k > from ? now : NULL);
      __asm__ volatile("" ::: "memory");
      if (k == from) continue;
      add_gradient(state.grad_values + now->block * 32 * dim, dim, state.probabilities, state.grad_out_columns);
      add_gradient(state.grad_keys + now->block * 32 * dim, dim, state.grad_scores, state.queries_columns);
    }
    const int before = turns_before(c, task, query);
    atomic_int *turn = &turns[query / ROWS];
    wait_for_turn(turn, before);
    add_grad_queries(c->grad_queries + at * row + task->head * dim, shape, &state, from, to, count, before == 0);
    atomic_store_explicit(turn, before + 1, memory_order_release);
  }
  mb_amx_end();
  float *grad_keys = (float *)c->grad_qkv + (task->start + task->first) * row + out_row + task->head * dim;
  for (int64_t r = 0; r < task->count; r++)
    for (int64_t d = 0; d < dim; d += VL) {
      v_store(grad_keys + r * row + d, v_load(state.grad_keys + r * dim + d) * shape->scale);
      v_store(grad_keys + r * row + out_row + d, v_load(state.grad_values + r * dim + d));
    }
}
#endif
