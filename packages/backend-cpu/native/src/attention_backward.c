/* Attention over packed sequences, backward: probabilities are recomputed from the saved log-sum-exp, five small products per tile.
 *
 * A task owns up to KEY_BLOCK keys of one head, packs K and V (also transposed) once, and walks over the queries that see them, ROWS at a
 * time: P = exp2(Q·Kᵀ - lse), dS = P ∘ (dO·Vᵀ - Δ), dV += Pᵀ·dO, dK += dSᵀ·Q stay with the task, dQ += dS·K belongs to the queries and
 * gets a part from every task of its (sequence, head). Those parts are added straight into the gradient, in the order of the key blocks:
 * a task waits for its turn at each block of queries. That costs no memory (partial dQ of an 8,192-token sequence would be 200 MB), no
 * recomputation (a second pass for dQ would make seven products of five) and gives the same bits for any number of threads. The list of
 * tasks runs over key blocks first, so the turn has nearly always come before a task asks for it. */
#include <sched.h>
#include <stdatomic.h>

#include "attention.h"

#define KEY_BLOCK 128
#define PANELS (KEY_BLOCK / TILE_LANES)
#define ROWS 32

typedef struct {
  attention_shape shape;
  const float *qkv, *lse, *grad_out;
  float *grad_qkv, *delta; /* delta [H, T] = Σ_d dO · O */
  const float *out;
  const attention_task *tasks;
  atomic_int *turns; /* [H][T / ROWS + N]: key blocks that have been added to each block of queries */
  int64_t turns_per_head;
} backward_context;

/* One task's working set, in scratch. Panels hold TILE_LANES keys, one per SIMD lane. */
typedef struct {
  float *keys_panels, *values_panels;  /* [PANELS][dim][TILE_LANES]; keys times scale · log2(e) */
  float *keys;                         /* [KEY_BLOCK][width] */
  float *grad_keys, *grad_values;      /* [KEY_BLOCK][width] */
  float *queries, *grad_out;           /* [ROWS][width] */
  float *probabilities, *grad_scores;  /* [ROWS][KEY_BLOCK] */
} backward_state;

/* ROWS queries against the key block: rows from…to of it are looked at. Positions are those in the sequence. */
typedef struct {
  int64_t query, key, from, to;
  int64_t window, last_key;
  const float *lse, *delta;
} band;

/* P and dS of `rows` queries (from row r of the block) and one panel of keys. */
MB_INLINE void probability_rows(int rows, const backward_state *state, const attention_shape *shape, const band *b, int64_t r, int64_t key) {
  const int64_t dim = shape->dim, panel = key / TILE_LANES * dim * TILE_LANES;
  float *probabilities = state->probabilities + r * KEY_BLOCK + key, *grad_scores = state->grad_scores + r * KEY_BLOCK + key;
  const int64_t low = b->query + r - b->window - b->key, high = b->query + r + rows - 1 + b->window - b->key; /* keys of any of the rows */
  const int whole = low + rows - 1 <= key && key + TILE_LANES - 1 <= MB_MIN(high - rows + 1, b->last_key - b->key);
  vf acc[TILE_ROWS][TILE_VECTORS];
  tile_product(rows, TILE_VECTORS, dim, state->queries + r * shape->width, shape->width, 1, state->keys_panels + panel, TILE_LANES, acc);
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < TILE_VECTORS; v++) {
      vf probability = v_exp2_negative(acc[i][v] - b->lse[r + i]);
      if (!whole) {
        const vi at = v_lanes() + (int32_t)(key + v * VL), distance = at - (int32_t)(b->query + r + i - b->key);
        const int32_t window = (int32_t)MB_MIN(b->window, INT32_MAX);
        const vi seen = (distance <= window) & (distance >= -window) & (at <= (int32_t)(b->last_key - b->key));
        probability = v_blend(seen, probability, v_set(0));
      }
      v_store(probabilities + i * KEY_BLOCK + v * VL, probability);
    }
  tile_product(rows, TILE_VECTORS, dim, state->grad_out + r * shape->width, shape->width, 1, state->values_panels + panel, TILE_LANES, acc);
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < TILE_VECTORS; v++)
      v_store(grad_scores + i * KEY_BLOCK + v * VL, v_load(probabilities + i * KEY_BLOCK + v * VL) * (acc[i][v] - b->delta[r + i]));
}

/* to[row …] += leftᵀ · right over the queries of the block; left [ROWS][KEY_BLOCK], right [ROWS][width]. */
MB_INLINE void add_rows(int rows, int vectors, float *to, int64_t width, const float *left, const float *right) {
  vf acc[TILE_ROWS][TILE_VECTORS];
  tile_product(rows, vectors, ROWS, left, 1, KEY_BLOCK, right, width, acc);
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) {
      float *at = to + r * width + v * VL;
      v_store(at, v_load(at) + acc[r][v]);
    }
}

static void add_transposed(float *to, int64_t width, const float *left, const float *right, int64_t from, int64_t end) {
  for (int64_t d = 0; d < width; d += TILE_LANES)
    for (int64_t key = from; key < end;) {
      const int rows = tile_step(end - key);
      float *at = to + key * width + d;
      if (width - d >= TILE_LANES) {
        if (rows == TILE_ROWS) add_rows(TILE_ROWS, TILE_VECTORS, at, width, left + key, right + d);
        else add_rows(4, TILE_VECTORS, at, width, left + key, right + d);
      } else {
        if (rows == TILE_ROWS) add_rows(TILE_ROWS, 1, at, width, left + key, right + d);
        else add_rows(4, 1, at, width, left + key, right + d);
      }
      key += rows;
    }
}

/* grad[row …][d …] (+)= scale · dS · K for up to `valid` of `rows` queries. */
MB_INLINE void add_grad_queries(int rows, int vectors, int64_t valid, float *grad, const attention_shape *shape, const backward_state *state,
                                const band *b, int64_t r, int64_t d, int overwrite) {
  vf acc[TILE_ROWS][TILE_VECTORS];
  tile_product(rows, vectors, b->to - b->from, state->grad_scores + r * KEY_BLOCK + b->from, KEY_BLOCK, 1,
               state->keys + b->from * shape->width + d, shape->width, acc);
  const int64_t left = shape->dim - d;
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) {
      if (i >= valid) continue;
      float *at = grad + i * shape->row + v * VL;
      const int64_t n = MB_MIN(VL, left - v * VL);
      const vf part = acc[i][v] * shape->scale;
      v_store_n(at, overwrite ? part : v_load_n(at, n) + part, n);
    }
}

static void add_all_grad_queries(float *grad, const attention_shape *shape, const backward_state *state, const band *b, int64_t queries,
                                 int overwrite) {
  for (int64_t d = 0; d < shape->width; d += TILE_LANES)
    for (int64_t r = 0; r < queries;) {
      const int rows = tile_step(round_up(queries - r, 4));
      const int64_t valid = queries - r;
      float *at = grad + r * shape->row + d;
      if (shape->width - d >= TILE_LANES) {
        if (rows == TILE_ROWS) add_grad_queries(TILE_ROWS, TILE_VECTORS, valid, at, shape, state, b, r, d, overwrite);
        else add_grad_queries(4, TILE_VECTORS, valid, at, shape, state, b, r, d, overwrite);
      } else {
        if (rows == TILE_ROWS) add_grad_queries(TILE_ROWS, 1, valid, at, shape, state, b, r, d, overwrite);
        else add_grad_queries(4, 1, valid, at, shape, state, b, r, d, overwrite);
      }
      r += rows;
    }
}

/* Waits until `before` key blocks have been added. Tasks start in order of their numbers, so those that come before are on their way. */
static void wait_for_turn(atomic_int *turn, int before) {
  for (int spin = 0; atomic_load_explicit(turn, memory_order_acquire) != before; spin++)
    if (spin > 1000) sched_yield();
}

static float *take(float **scratch, int64_t floats) {
  float *taken = *scratch;
  *scratch += floats;
  return taken;
}

static void backward_body(void *context, int64_t index, int worker) {
  const backward_context *c = context;
  const attention_shape *shape = &c->shape;
  const attention_task *task = &c->tasks[index];
  const int64_t dim = shape->dim, width = shape->width, row = shape->row, out_row = shape->heads * dim;
  float *scratch = mb_scratch(worker, MB_SLOT_KERNEL_2,
                              sizeof(float) * (size_t)(KEY_BLOCK * (2 * dim + 3 * width) + ROWS * 2 * (width + KEY_BLOCK)));
  backward_state state;
  state.probabilities = take(&scratch, ROWS * KEY_BLOCK);
  state.grad_scores = take(&scratch, ROWS * KEY_BLOCK);
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
    for (int64_t key = b.from; key < b.to; key += TILE_LANES)
      for (int64_t r = 0; r < ROWS;) {
        const int rows = tile_step(ROWS - r);
        if (rows == TILE_ROWS) probability_rows(TILE_ROWS, &state, shape, &b, r, key);
        else probability_rows(4, &state, shape, &b, r, key);
        r += rows;
      }
    add_transposed(state.grad_values, width, state.probabilities, state.grad_out, b.from, b.to);
    add_transposed(state.grad_keys, width, state.grad_scores, state.queries, b.from, b.to);
    const int before = (int)(task->first / KEY_BLOCK - MB_MAX(0, query - shape->window) / KEY_BLOCK);
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
  const backward_context *c = context;
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

/* views: grad qkv [T, 3, H, D], qkv, cuSeqlens [N + 1], out [T, H, D], lse [H, T], grad out; attributes: scale, window (-1: none). */
void MB_FN(mb_op_attention_backward)(const mb_view *views, const double *attributes) {
  const mb_view *qkv = &views[1], *cu_seqlens = &views[2];
  const int64_t sequences = cu_seqlens->shape[0] - 1;
  backward_context context = {.shape = attention_shape_of(qkv, attributes[0], attributes[1]), .qkv = qkv->data};
  const attention_shape *shape = &context.shape;
  context.grad_qkv = views[0].data;
  context.out = views[3].data;
  context.lse = views[4].data;
  context.grad_out = views[5].data;
  if (!attention_check(cu_seqlens->data, sequences, shape->tokens)) {
    memset(context.grad_qkv, 0, sizeof(float) * (size_t)mb_size_of(qkv));
    return;
  }
  attention_task *list = mb_scratch(0, MB_SLOT_KERNEL_0, sizeof(attention_task) * (size_t)attention_task_bound(shape, sequences, KEY_BLOCK));
  const int64_t tasks = attention_tasks(list, shape, cu_seqlens->data, sequences, KEY_BLOCK);
  context.tasks = list;
  context.turns_per_head = shape->tokens / ROWS + sequences;
  const size_t turn_bytes = sizeof(atomic_int) * (size_t)(shape->heads * context.turns_per_head);
  context.turns = mb_scratch(0, MB_SLOT_KERNEL_1, turn_bytes + sizeof(float) * (size_t)(shape->heads * shape->tokens));
  context.delta = (float *)(context.turns + shape->heads * context.turns_per_head);
  memset(context.turns, 0, turn_bytes);
  mb_parallel(round_up(shape->tokens, DELTA_TOKENS) / DELTA_TOKENS, delta_body, &context);
  mb_parallel(tasks, backward_body, &context);
}
