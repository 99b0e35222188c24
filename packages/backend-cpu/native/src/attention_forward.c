/* Attention over packed sequences, forward: tiles in cache, online softmax, never an S × S matrix (Dao et al., FlashAttention).
 *
 * A task owns up to QUERY_BLOCK queries of one head. For each block of keys that any of them can see it packs K and V, then takes its
 * queries in groups of TILE_LANES, one query per SIMD lane: scores[key][query] = K·Qᵀ needs no packing of K, and the statistics of
 * softmax are vectors without a horizontal step. The sums for P·V have one query per row. Keys outside a group's window are not
 * computed at all; only tiles on the window's edge are masked. Scores are kept in base 2: log2(e) is folded into the packed queries. */
#include "attention.h"

#define QUERY_BLOCK 256
#define ENOUGH_TASKS 32 /* with fewer, blocks of half the size keep more threads busy */
#define KEY_BLOCK 128
#define GROUPS (QUERY_BLOCK / TILE_LANES)
#define LOWEST -3e38f /* the maximum of no scores: finite, so that differences are never NaN */

typedef struct {
  attention_shape shape;
  const float *qkv;
  float *out, *lse;
  const attention_task *tasks;
} forward_context;

/* One task's working set, in scratch. */
typedef struct {
  float *queries; /* [GROUPS][dim][TILE_LANES] */
  float *sums;    /* [QUERY_BLOCK][width] */
  float *keys;    /* [KEY_BLOCK][dim] */
  float *values;  /* [KEY_BLOCK][width] */
  float *scores;  /* [KEY_BLOCK][TILE_LANES]: scores, then probabilities */
  vf maximum[GROUPS][TILE_VECTORS], total[GROUPS][TILE_VECTORS];
} forward_state;

/* A group of queries against a block of keys; positions are those in the sequence, `from` and `to` rows of the block. */
typedef struct {
  int64_t query, key, from, to;
  int64_t all_from, all_to; /* rows that every query of the group sees */
  int64_t window, last_key;
} band;

/* scores[row …][lane] = K · Qᵀ for `rows` keys, masked where the window ends; keeps the maximum per lane. */
MB_INLINE void score_rows(int rows, const forward_state *state, const float *queries, int64_t dim, const band *b, int64_t row,
                          vf maximum[TILE_VECTORS]) {
  vf acc[TILE_ROWS][TILE_VECTORS];
  tile_product(rows, TILE_VECTORS, dim, state->keys + row * dim, dim, 1, queries, TILE_LANES, acc);
  if (row < b->all_from || row + rows > b->all_to)
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
      for (int v = 0; v < TILE_VECTORS; v++) {
        const int64_t key = b->key + row + r;
        const vi distance = v_lanes() + (int32_t)(b->query + v * VL - key);
        const int32_t window = key <= b->last_key ? (int32_t)MB_MIN(b->window, INT32_MAX) : -1;
        acc[r][v] = v_blend((distance <= window) & (distance >= -window), acc[r][v], v_set(-INFINITY));
      }
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int v = 0; v < TILE_VECTORS; v++) {
      maximum[v] = v_greater_of(acc[r][v], maximum[v]);
      v_store(state->scores + (row + r) * TILE_LANES + v * VL, acc[r][v]);
    }
}

/* sums[query row …] = sums · factor + P · V over rows from…to of the block. */
MB_INLINE void add_values(int rows, int vectors, float *sums, int64_t width, const float *probabilities, const float *values, int64_t from,
                          int64_t to, const float *factor) {
  vf acc[TILE_ROWS][TILE_VECTORS];
  tile_product(rows, vectors, to - from, probabilities + from * TILE_LANES, 1, TILE_LANES, values + from * width, width, acc);
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) {
      float *at = sums + r * width + v * VL;
      v_store(at, v_load(at) * factor[r] + acc[r][v]);
    }
}

static void attend(forward_state *state, const attention_shape *shape, int64_t group, int64_t queries, const band *b) {
  vf maximum[TILE_VECTORS], total[TILE_VECTORS];
  float factor[TILE_LANES];
  for (int v = 0; v < TILE_VECTORS; v++) maximum[v] = state->maximum[group][v];
  const float *packed = state->queries + group * shape->dim * TILE_LANES;
  for (int64_t row = b->from; row < b->to;) {
    const int rows = tile_step(b->to - row);
    if (rows == TILE_ROWS) score_rows(TILE_ROWS, state, packed, shape->dim, b, row, maximum);
    else score_rows(4, state, packed, shape->dim, b, row, maximum);
    row += rows;
  }
  for (int v = 0; v < TILE_VECTORS; v++) {
    const vf rescale = v_exp2_negative(state->maximum[group][v] - maximum[v]);
    state->maximum[group][v] = maximum[v];
    total[v] = state->total[group][v] * rescale;
    v_store(factor + v * VL, rescale);
  }
  for (int64_t row = b->from; row < b->to; row++)
#pragma GCC unroll 2
    for (int v = 0; v < TILE_VECTORS; v++) {
      float *at = state->scores + row * TILE_LANES + v * VL;
      const vf probability = v_exp2_negative(v_load(at) - maximum[v]);
      total[v] += probability;
      v_store(at, probability);
    }
  for (int v = 0; v < TILE_VECTORS; v++) state->total[group][v] = total[v];

  float *sums = state->sums + group * TILE_LANES * shape->width;
  const int64_t width = shape->width;
  for (int64_t d = 0; d < width; d += TILE_LANES)
    for (int64_t r = 0; r < queries;) {
      const int rows = tile_step(queries - r);
      const int64_t from = MB_MAX(b->from, b->query + r - b->window - b->key);
      const int64_t to = MB_MIN(b->to, b->query + r + rows + b->window - b->key);
      float *at = sums + r * width + d;
      if (from >= to) {
      } else if (width - d < TILE_LANES) {
        if (rows == TILE_ROWS) add_values(TILE_ROWS, 1, at, width, state->scores + r, state->values + d, from, to, factor + r);
        else add_values(4, 1, at, width, state->scores + r, state->values + d, from, to, factor + r);
      } else {
        if (rows == TILE_ROWS) add_values(TILE_ROWS, TILE_VECTORS, at, width, state->scores + r, state->values + d, from, to, factor + r);
        else add_values(4, TILE_VECTORS, at, width, state->scores + r, state->values + d, from, to, factor + r);
      }
      r += rows;
    }
}

static void finish(const forward_context *c, const forward_state *state, const attention_task *task) {
  const attention_shape *shape = &c->shape;
  const int64_t dim = shape->dim, first = task->start + task->first;
  for (int64_t row = 0; row < task->count; row += VL) {
    const int64_t rows = MB_MIN(VL, task->count - row);
    const vf maximum = ((const vf *)state->maximum)[row / VL], total = ((const vf *)state->total)[row / VL];
    float inverse[VL];
    v_store(inverse, 1.0f / total);
    if (c->lse) v_store_n(c->lse + task->head * shape->tokens + first + row, maximum + v_log(total) * (float)LOG2_E, rows);
    for (int64_t r = 0; r < rows; r++) {
      const float *sums = state->sums + (row + r) * shape->width;
      float *out = c->out + ((first + row + r) * shape->heads + task->head) * dim;
      int64_t d = 0;
      for (; d + VL <= dim; d += VL) v_store(out + d, v_load(sums + d) * inverse[r]);
      if (d < dim) v_store_n(out + d, v_load(sums + d) * inverse[r], dim - d);
    }
  }
}

static void forward_body(void *context, int64_t index, int worker) {
  const forward_context *c = context;
  const attention_shape *shape = &c->shape;
  const attention_task *task = &c->tasks[index];
  const int64_t dim = shape->dim, width = shape->width, groups = round_up(task->count, TILE_LANES) / TILE_LANES;
  float *scratch = mb_scratch(worker, MB_SLOT_KERNEL_1,
                              sizeof(float) * (size_t)(QUERY_BLOCK * (dim + width) + KEY_BLOCK * (dim + width + TILE_LANES)));
  forward_state state;
  state.scores = scratch;
  state.values = state.scores + KEY_BLOCK * TILE_LANES;
  state.sums = state.values + KEY_BLOCK * width;
  state.queries = state.sums + QUERY_BLOCK * width;
  state.keys = state.queries + QUERY_BLOCK * dim;

  const float *base = c->qkv + task->start * shape->row + task->head * dim;
  const float *keys = base + shape->heads * dim, *values = keys + shape->heads * dim;
  memset(state.sums, 0, sizeof(float) * (size_t)(groups * TILE_LANES * width));
  for (int64_t group = 0; group < groups; group++) {
    const int64_t query = task->first + group * TILE_LANES;
    pack_transposed(state.queries + group * dim * TILE_LANES, TILE_LANES, base + query * shape->row, shape->row, task->length - query, dim,
                    (float)(shape->scale * LOG2_E));
    for (int v = 0; v < TILE_VECTORS; v++) state.maximum[group][v] = v_set(LOWEST), state.total[group][v] = v_set(0);
  }
  for (int64_t r = 0; r < task->count; r++)
    prefetch_row(c->out + ((task->start + task->first + r) * shape->heads + task->head) * dim, dim);
  const int64_t end = MB_MIN(task->length, task->first + task->count + shape->window);
  for (int64_t key = MB_MAX(0, task->first - shape->window); key < end; key += KEY_BLOCK) {
    const int64_t count = MB_MIN(KEY_BLOCK, end - key), padded = round_up(count, 4);
    pack_rows(state.keys, dim, keys + key * shape->row, shape->row, count, padded, dim);
    pack_rows(state.values, width, values + key * shape->row, shape->row, count, padded, dim);
    for (int64_t group = 0; group < groups; group++) {
      const int64_t query = task->first + group * TILE_LANES, queries = MB_MIN(TILE_LANES, task->length - query);
      band b = {.query = query, .key = key, .window = shape->window, .last_key = key + count - 1};
      b.from = MB_MAX(0, query - shape->window - key) / 4 * 4;
      b.to = round_up(MB_MIN(count, query + queries + shape->window - key), 4);
      b.all_from = query + TILE_LANES - 1 - shape->window - key;
      b.all_to = MB_MIN(count, query + shape->window + 1 - key);
      if (b.from < b.to) attend(&state, shape, group, round_up(queries, 4), &b);
    }
  }
  finish(c, &state, task);
}

/* views: out [T, H, D], lse [H, T] (base 2, or absent), qkv [T, 3, H, D], cuSeqlens [N + 1]; attributes: scale, window (-1: none). */
void MB_FN(mb_op_attention_forward)(const mb_view *views, const double *attributes) {
  const mb_view *out = &views[0], *lse = &views[1], *qkv = &views[2], *cu_seqlens = &views[3];
  const int64_t sequences = cu_seqlens->shape[0] - 1;
  forward_context context = {attention_shape_of(qkv, attributes[0], attributes[1]), qkv->data, out->data, lse->data, NULL};
  if (!attention_check(cu_seqlens->data, sequences, context.shape.tokens)) {
    memset(out->data, 0, sizeof(float) * (size_t)mb_size_of(out));
    if (lse->data) memset(lse->data, 0, sizeof(float) * (size_t)mb_size_of(lse));
    return;
  }
  const int64_t bound = attention_task_bound(&context.shape, sequences, QUERY_BLOCK / 2);
  attention_task *list = mb_scratch(0, MB_SLOT_KERNEL_0, sizeof(attention_task) * (size_t)bound);
  int64_t tasks = attention_tasks(list, &context.shape, cu_seqlens->data, sequences, QUERY_BLOCK);
  if (tasks < ENOUGH_TASKS) tasks = attention_tasks(list, &context.shape, cu_seqlens->data, sequences, QUERY_BLOCK / 2);
  context.tasks = list;
  mb_parallel(tasks, forward_body, &context);
}
