/* The body of a forward task on vectors, for factors of one kind: f32 (attention/forward.c) or pairs of bf16 (attention/forward_pairs.c).
 *
 * A task owns up to QUERY_BLOCK queries of one head. It packs the keys and values that they can see (chunk by chunk, where there is no
 * narrow window), then takes its queries in groups of TILE_LANES, one query per SIMD lane: scores[key][query] = K·Qᵀ, and the statistics
 * of softmax are vectors without a horizontal step. The sums for P·V have one query per row. Keys outside a group's window are not
 * computed at all; only tiles on the window's edge are masked. Scores are kept in base 2. Which keys make a step of the softmax depends on
 * the group, never on the task: neither do results.
 *
 * Packed factors come in words of 32 bits: an f32, or two bf16 (neighbours in a row of queries and keys, neighbouring keys in values and
 * probabilities). Whoever includes this says
 *
 *   KEYS_IN_WORD         of values and probabilities, 1 or 2
 *   WORDS(dim)           of a row of queries or keys
 *   TASK_TARGET          an attribute of all functions, or nothing
 *   product              tile_product over such words
 *   scaled(x, scale)     of a score that came out of it
 *   pack_queries         TILE_LANES rows of c->qkv from element `at` on, turned; the rows from `rows` on are 0
 *   pack_keys            rows, zeros from `count` on up to a multiple of 4
 *   pack_values          the same, in rows of c->shape.width words
 *   pack_probabilities   f32 into such words, in place */
#ifndef MB_ATTENTION_FORWARD_TASK_H
#define MB_ATTENTION_FORWARD_TASK_H

#include "attention/attention.h"
#include "base/convert.h"

#define QUERY_BLOCK 256
#define STEP 160      /* keys of a step at most: a group and 64 keys on both sides */
#define KEY_CHUNK 128 /* that are packed at once where there is no narrow window */
#define GROUPS (QUERY_BLOCK / TILE_LANES)

/* One task's working set, in scratch. */
typedef struct {
  float *queries; /* words [GROUPS][WORDS(dim)][TILE_LANES] */
  float *sums;    /* [QUERY_BLOCK][width] */
  float *keys;    /* words [key][WORDS(dim)] */
  float *values;  /* words [key / KEYS_IN_WORD][width] */
  float *scores;  /* [STEP][TILE_LANES]: scores, then probabilities, then words of them */
  float *wide;    /* [TILE_LANES or keys][dim]: rows of 16 bits in f32; NULL where they have f32 */
  vf maximum[GROUPS][TILE_VECTORS], total[GROUPS][TILE_VECTORS];
} forward_state;

/* A group of queries against `count` keys from `key` on; positions are those in the sequence. */
typedef struct {
  int64_t query, key, count;
  int64_t all_from, all_to; /* of these keys, those that every query of the group sees */
  int64_t window, last_key;
  const float *keys, *values;
} band;

/* scores[row …][lane] = K · Qᵀ for `rows` keys, masked where the window ends; keeps the maximum per lane. */
TASK_TARGET MB_INLINE void score_rows(int rows, const forward_state *state, const float *queries, const attention_shape *shape, const band *b,
                                      int64_t row, vf maximum[TILE_VECTORS]) {
  const int64_t words = WORDS(shape->dim);
  vf acc[TILE_LINES][TILE_VECTORS];
  product(rows, TILE_VECTORS, words, b->keys + row * words, words, 1, queries, TILE_LANES, acc);
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int v = 0; v < TILE_VECTORS; v++) acc[r][v] = scaled(acc[r][v], shape->scale);
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

/* sums[query row …] = sums · factor + P · V over the words from…to-1 of the keys of a step. */
TASK_TARGET MB_INLINE void add_values(int rows, int vectors, float *sums, int64_t width, const float *probabilities, const float *values,
                                      int64_t from, int64_t to, const float *factor) {
  vf acc[TILE_LINES][TILE_VECTORS];
  product(rows, vectors, to - from, probabilities + from * TILE_LANES, 1, TILE_LANES, values + from * width, width, acc);
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) {
      float *at = sums + r * width + v * VL;
      v_store(at, v_load(at) * factor[r] + acc[r][v]);
    }
}

TASK_TARGET static void attend(forward_state *state, const attention_shape *shape, const attention_task *task, int64_t group, int64_t queries,
                   const band *b) {
  vf maximum[TILE_VECTORS], total[TILE_VECTORS];
  float factor[TILE_LANES];
  for (int v = 0; v < TILE_VECTORS; v++) maximum[v] = state->maximum[group][v];
  const float *packed = state->queries + group * WORDS(shape->dim) * TILE_LANES;
  for (int64_t row = 0; row < b->count;) {
    const int rows = tile_step(b->count - row);
    if (rows == TILE_LINES) score_rows(TILE_LINES, state, packed, shape, b, row, maximum);
    else score_rows(4, state, packed, shape, b, row, maximum);
    row += rows;
  }
  for (int v = 0; v < TILE_VECTORS; v++) {
    const vf rescale = v_exp2_negative(state->maximum[group][v] - maximum[v]);
    state->maximum[group][v] = maximum[v];
    total[v] = state->total[group][v] * rescale;
    v_store(factor + v * VL, rescale);
  }
  for (int64_t row = 0; row < b->count; row++)
#pragma GCC unroll 2
    for (int v = 0; v < TILE_VECTORS; v++) {
      float *at = state->scores + row * TILE_LANES + v * VL;
      const vf probability = v_exp2_negative(v_load(at) - maximum[v]);
      total[v] += probability;
      v_store(at, probability);
    }
  for (int v = 0; v < TILE_VECTORS; v++) state->total[group][v] = total[v];
  if (shape->dropout.rate > 0)
    for (int v = 0; v < TILE_VECTORS; v++)
      drop_columns(&shape->dropout, state->scores + v * VL, TILE_LANES,
                   attention_draw(shape, task->start + b->query + v * VL, task->head), shape->heads * shape->dropout.row, b->key, b->count);
  pack_probabilities(state->scores, b->count);

  float *sums = state->sums + group * TILE_LANES * shape->width;
  const int64_t width = shape->width;
  for (int64_t d = 0; d < width; d += TILE_LANES)
    for (int64_t r = 0; r < queries;) {
      const int rows = tile_step(queries - r);
      const int64_t from = MB_MAX(0, b->query + r - b->window - b->key) / KEYS_IN_WORD;
      const int64_t to = mb_ceil_div(MB_MIN(b->count, b->query + r + rows + b->window - b->key), KEYS_IN_WORD);
      float *at = sums + r * width + d;
      if (from >= to) {
      } else if (width - d < TILE_LANES) {
        if (rows == TILE_LINES) add_values(TILE_LINES, 1, at, width, state->scores + r, b->values + d, from, to, factor + r);
        else add_values(4, 1, at, width, state->scores + r, b->values + d, from, to, factor + r);
      } else {
        if (rows == TILE_LINES) add_values(TILE_LINES, TILE_VECTORS, at, width, state->scores + r, b->values + d, from, to, factor + r);
        else add_values(4, TILE_VECTORS, at, width, state->scores + r, b->values + d, from, to, factor + r);
      }
      r += rows;
    }
}

static void finish(const attention_forward_call *c, const forward_state *state, const attention_task *task) {
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
      const int64_t at = ((first + row + r) * shape->heads + task->head) * dim;
      float *out = mb_f32_room(c->out, c->dtype, at, state->wide);
      int64_t d = 0;
      for (; d + VL <= dim; d += VL) v_store(out + d, v_load(sums + d) * inverse[r]);
      if (d < dim) v_store_n(out + d, v_load(sums + d) * inverse[r], dim - d);
      mb_put_f32(out, dim, c->out, c->dtype, at);
    }
  }
}

TASK_TARGET static void forward_task(void *context, int64_t index, int worker) {
  const attention_forward_call *c = context;
  const attention_shape *shape = &c->shape;
  const attention_task *task = &c->tasks[index];
  const int64_t dim = shape->dim, words = WORDS(dim), width = shape->width, row = shape->row, window = shape->window;
  const int64_t groups = round_up(task->count, TILE_LANES) / TILE_LANES;
  const int64_t span = window <= NARROW_WINDOW ? round_up(task->count + 2 * window + 31, 4) : KEY_CHUNK;
  const int64_t widened = c->dtype == MB_F32 ? 0 : MB_MAX(span, TILE_LANES) * dim;
  float *scratch = mb_scratch(worker, MB_SLOT_KERNEL_1,
                              sizeof(float) * (size_t)(QUERY_BLOCK * (words + width) + span * (words + width) + STEP * TILE_LANES + widened));
  forward_state state;
  state.scores = scratch;
  state.sums = state.scores + STEP * TILE_LANES;
  state.queries = state.sums + QUERY_BLOCK * width;
  state.values = state.queries + QUERY_BLOCK * words;
  state.keys = state.values + span * width;
  state.wide = state.keys + span * words;

  const int64_t base = task->start * row + task->head * dim, keys = base + shape->heads * dim, values = keys + shape->heads * dim;
  memset(state.sums, 0, sizeof(float) * (size_t)(groups * TILE_LANES * width));
  for (int64_t group = 0; group < groups; group++) {
    const int64_t query = task->first + group * TILE_LANES;
    const int64_t queries = MB_MIN(TILE_LANES, task->length - query);
    pack_queries(c, base + query * row, queries, state.queries + group * words * TILE_LANES, state.wide);
    for (int v = 0; v < TILE_VECTORS; v++) state.maximum[group][v] = v_set(LOWEST), state.total[group][v] = v_set(0);
  }
  const int64_t end = MB_MIN(task->length, task->first + task->count + window);
  for (int64_t chunk = attention_first_key(shape, task, KEY_CHUNK); chunk < end; chunk += span) {
    const int64_t chunk_end = MB_MIN(end, chunk + span), count = chunk_end - chunk;
    pack_keys(c, keys + chunk * row, count, state.keys, state.wide);
    pack_values(c, values + chunk * row, count, state.values, state.wide);
    for (int64_t group = 0; group < groups; group++) {
      const int64_t query = task->first + group * TILE_LANES, queries = MB_MIN(TILE_LANES, task->length - query);
      const int64_t to = MB_MIN(chunk_end, query + queries + window);
      for (int64_t key = MB_MAX(chunk, (query - window) / 4 * 4); key < to; key += STEP) {
        const band b = {.query = query, .key = key, .count = round_up(MB_MIN(STEP, to - key), 4),
                        .all_from = query + TILE_LANES - 1 - window - key, .all_to = MB_MIN(chunk_end, query + window + 1) - key,
                        .window = window, .last_key = chunk_end - 1,
                        .keys = state.keys + (key - chunk) * words, .values = state.values + (key - chunk) / KEYS_IN_WORD * width};
        attend(&state, shape, task, group, round_up(queries, 4), &b);
      }
    }
  }
  finish(c, &state, task);
}

#endif
