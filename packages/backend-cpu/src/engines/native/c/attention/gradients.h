/* The five products of attention's backward, between a block of ROWS queries and a block of up to KEY_BLOCK keys, all packed in scratch. */
#ifndef MB_ATTENTION_GRADIENTS_H
#define MB_ATTENTION_GRADIENTS_H

#include "attention/backward.h"

#define KEY_BLOCK 128
#define PANELS (KEY_BLOCK / TILE_LANES)

/* One task's working set, in scratch. Panels hold TILE_LANES keys, one per SIMD lane. */
typedef struct {
  float *keys_panels, *values_panels;  /* [PANELS][dim][TILE_LANES]; keys times scale · log2(e) */
  float *keys;                         /* [KEY_BLOCK][width] */
  float *grad_keys, *grad_values;      /* [KEY_BLOCK][width] */
  float *queries, *grad_out;           /* [ROWS][width] */
  float *probabilities, *grad_scores;  /* [ROWS][KEY_BLOCK] */
  float *factors;                      /* of dropout, [ROWS][KEY_BLOCK] */
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
  vf acc[TILE_LINES][TILE_VECTORS];
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
    for (int v = 0; v < TILE_VECTORS; v++) {
      const int64_t at = i * KEY_BLOCK + v * VL;
      const vf probability = v_load(probabilities + at);
      if (shape->dropout.rate > 0) {
        const vf factor = v_load(state->factors + r * KEY_BLOCK + key + at);
        v_store(probabilities + at, probability * factor);
        acc[i][v] *= factor;
      }
      v_store(grad_scores + at, probability * (acc[i][v] - b->delta[r + i]));
    }
}

/* to[row …] += leftᵀ · right over the queries of the block; left [ROWS][KEY_BLOCK], right [ROWS][width]. */
MB_INLINE void add_rows(int rows, int vectors, float *to, int64_t width, const float *left, const float *right) {
  vf acc[TILE_LINES][TILE_VECTORS];
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
MB_INLINE void add_grad_queries(int rows, int vectors, int64_t valid, float *grad, const attention_shape *shape, const backward_state *state,
                                const band *b, int64_t r, int64_t d, int overwrite) {
  vf acc[TILE_LINES][TILE_VECTORS];
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
      const vf added = acc[i][v] * shape->scale;
      v_store_n(at, overwrite ? added : v_load_n(at, n) + added, n);
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
        if (rows == TILE_LINES) add_grad_queries(TILE_LINES, TILE_VECTORS, valid, at, shape, state, b, r, d, overwrite);
        else add_grad_queries(4, TILE_VECTORS, valid, at, shape, state, b, r, d, overwrite);
      } else {
        if (rows == TILE_LINES) add_grad_queries(TILE_LINES, 1, valid, at, shape, state, b, r, d, overwrite);
        else add_grad_queries(4, 1, valid, at, shape, state, b, r, d, overwrite);
      }
      r += rows;
    }
}

#endif
