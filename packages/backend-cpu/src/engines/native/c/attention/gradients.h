/* The five products of attention's backward, between a block of ROWS queries and a block of up to KEY_BLOCK keys, all packed in scratch, in words
 * of one kind: see attention/backward_task.h. */
#ifndef MB_ATTENTION_GRADIENTS_H
#define MB_ATTENTION_GRADIENTS_H

#include "attention/backward.h"

/* ROWS queries against the key block: rows from…to of it are looked at. Positions are those in the sequence. */
typedef struct {
  int64_t query, key, from, to;
  int64_t window, last_key;
  const float *lse, *delta;
} band;

/* P and dS of `rows` queries (from row r of the block) and one panel of keys. */
TASK_TARGET MB_INLINE void probability_rows(int rows, const backward_state *state, const attention_shape *shape, const band *b, int64_t r, int64_t key) {
  const int64_t words = WORDS(shape->dim), row_words = ROW_WORDS(shape), panel = key / TILE_LANES * words * TILE_LANES;
  const int64_t low = b->query + r - b->window - b->key, high = b->query + r + rows - 1 + b->window - b->key; /* keys of any of the rows */
  const int whole = low + rows - 1 <= key && key + TILE_LANES - 1 <= MB_MIN(high - rows + 1, b->last_key - b->key);
  vf acc[TILE_LINES][TILE_VECTORS], probabilities[TILE_LINES][TILE_VECTORS];
  product(rows, TILE_VECTORS, words, state->queries + r * row_words, row_words, 1, state->keys_panels + panel, TILE_LANES, acc);
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < TILE_VECTORS; v++) {
      vf probability = v_exp2_negative(scaled(acc[i][v], shape->scale) - b->lse[r + i]);
      if (!whole) {
        const vi at = v_lanes() + (int32_t)(key + v * VL), distance = at - (int32_t)(b->query + r + i - b->key);
        const int32_t window = (int32_t)MB_MIN(b->window, INT32_MAX);
        const vi seen = (distance <= window) & (distance >= -window) & (at <= (int32_t)(b->last_key - b->key));
        probability = v_blend(seen, probability, v_set(0));
      }
      probabilities[i][v] = probability;
    }
  product(rows, TILE_VECTORS, words, state->grad_out + r * row_words, row_words, 1, state->values_panels + panel, TILE_LANES, acc);
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < TILE_VECTORS; v++) {
      const vf probability = probabilities[i][v];
      if (shape->dropout.rate > 0) {
        const vf factor = v_load(state->factors + (r + i) * KEY_BLOCK + key + v * VL);
        probabilities[i][v] = probability * factor;
        acc[i][v] *= factor;
      }
      acc[i][v] = probability * (acc[i][v] - b->delta[r + i]);
    }
  put_tile(rows, state, r, key, probabilities, acc);
}

/* to[row …] += leftᵀ · right over the queries of the block; left in words [ROWS / ROWS_IN_WORD][KEY_BLOCK], right in rows of width. */
TASK_TARGET MB_INLINE void add_rows(int rows, int vectors, float *to, int64_t width, const float *left, const float *right) {
  vf acc[TILE_LINES][TILE_VECTORS];
  product(rows, vectors, ROWS / ROWS_IN_WORD, left, 1, KEY_BLOCK, right, width, acc);
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) {
      float *at = to + r * width + v * VL;
      v_store(at, v_load(at) + acc[r][v]);
    }
}

TASK_TARGET static void add_transposed(float *to, int64_t width, const float *left, const float *right, int64_t from, int64_t end) {
  for (int64_t d = 0; d < width; d += TILE_LANES)
    for (int64_t key = from; key < end;) {
      const int rows = tile_step(end - key);
      float *at = to + key * width + d;
      if (width - d >= TILE_LANES) {
        if (rows == TILE_LINES) add_rows(TILE_LINES, TILE_VECTORS, at, width, left + key, right + d);
        else add_rows(4, TILE_VECTORS, at, width, left + key, right + d);
      } else {
        if (rows == TILE_LINES) add_rows(TILE_LINES, 1, at, width, left + key, right + d);
        else add_rows(4, 1, at, width, left + key, right + d);
      }
      key += rows;
    }
}

/* grad[row …][d …] (+)= scale · dS · K for up to `valid` of `rows` queries. */
TASK_TARGET MB_INLINE void add_grad_queries(int rows, int vectors, int64_t valid, float *grad, int64_t grad_row, const attention_shape *shape,
                                            const backward_state *state, const band *b, int64_t r, int64_t d, int overwrite) {
  const int64_t from = b->from / ROWS_IN_WORD, to = b->to / ROWS_IN_WORD, keys = KEY_BLOCK / ROWS_IN_WORD;
  vf acc[TILE_LINES][TILE_VECTORS];
  product(rows, vectors, to - from, state->grad_scores_by_key + r * keys + from, keys, 1, state->keys + from * shape->width + d, shape->width, acc);
  const int64_t left = shape->dim - d;
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) {
      if (i >= valid) continue;
      float *at = grad + i * grad_row + v * VL;
      const int64_t n = MB_MIN(VL, left - v * VL);
      const vf added = acc[i][v] * shape->scale;
      v_store_n(at, overwrite ? added : v_load_n(at, n) + added, n);
    }
}

TASK_TARGET static void add_all_grad_queries(float *grad, int64_t grad_row, const attention_shape *shape, const backward_state *state, const band *b,
                                             int64_t queries, int overwrite) {
  for (int64_t d = 0; d < shape->width; d += TILE_LANES)
    for (int64_t r = 0; r < queries;) {
      const int rows = tile_step(round_up(queries - r, 4));
      const int64_t valid = queries - r;
      float *at = grad + r * grad_row + d;
      if (shape->width - d >= TILE_LANES) {
        if (rows == TILE_LINES) add_grad_queries(TILE_LINES, TILE_VECTORS, valid, at, grad_row, shape, state, b, r, d, overwrite);
        else add_grad_queries(4, TILE_VECTORS, valid, at, grad_row, shape, state, b, r, d, overwrite);
      } else {
        if (rows == TILE_LINES) add_grad_queries(TILE_LINES, 1, valid, at, grad_row, shape, state, b, r, d, overwrite);
        else add_grad_queries(4, 1, valid, at, grad_row, shape, state, b, r, d, overwrite);
      }
      r += rows;
    }
}

#endif
