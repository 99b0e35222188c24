/* Attention over packed sequences, forward: tiles in cache, online softmax, never an S × S matrix (Dao et al., FlashAttention).
 *
 * A task owns up to QUERY_BLOCK queries of one head. It packs the keys and values that they can see (chunk by chunk, where there is no
 * narrow window), then takes its queries in groups of TILE_LANES, one query per SIMD lane: scores[key][query] = K·Qᵀ, and the statistics
 * of softmax are vectors without a horizontal step. The sums for P·V have one query per row. Keys outside a group's window are not
 * computed at all; only tiles on the window's edge are masked. Scores are kept in base 2: log2(e) is folded into the packed queries.
 * Which keys make a step of the softmax depends on the group, never on the task: neither do results. */
#include "attention/attention.h"
#include "base/convert.h"

#define QUERY_BLOCK 256
#define STEP 160      /* keys of a step at most: a group and 64 keys on both sides */
#define KEY_CHUNK 128 /* that are packed at once where there is no narrow window */
#define GROUPS (QUERY_BLOCK / TILE_LANES)

/* One task's working set, in scratch. */
typedef struct {
  float *queries; /* [GROUPS][dim][TILE_LANES] */
  float *sums;    /* [QUERY_BLOCK][width] */
  float *keys;    /* [key][dim] */
  float *values;  /* [key][width] */
  float *scores;  /* [STEP][TILE_LANES]: scores, then probabilities */
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
MB_INLINE void score_rows(int rows, const forward_state *state, const float *queries, int64_t dim, const band *b, int64_t row,
                          vf maximum[TILE_VECTORS]) {
  vf acc[TILE_LINES][TILE_VECTORS];
  tile_product(rows, TILE_VECTORS, dim, b->keys + row * dim, dim, 1, queries, TILE_LANES, acc);
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

/* sums[query row …] = sums · factor + P · V over the keys from…to-1 of a step. */
MB_INLINE void add_values(int rows, int vectors, float *sums, int64_t width, const float *probabilities, const float *values, int64_t from,
                          int64_t to, const float *factor) {
  vf acc[TILE_LINES][TILE_VECTORS];
  tile_product(rows, vectors, to - from, probabilities + from * TILE_LANES, 1, TILE_LANES, values + from * width, width, acc);
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) {
      float *at = sums + r * width + v * VL;
      v_store(at, v_load(at) * factor[r] + acc[r][v]);
    }
}

static void attend(forward_state *state, const attention_shape *shape, const attention_task *task, int64_t group, int64_t queries,
                   const band *b) {
  vf maximum[TILE_VECTORS], total[TILE_VECTORS];
  float factor[TILE_LANES];
  for (int v = 0; v < TILE_VECTORS; v++) maximum[v] = state->maximum[group][v];
  const float *packed = state->queries + group * shape->dim * TILE_LANES;
  for (int64_t row = 0; row < b->count;) {
    const int rows = tile_step(b->count - row);
    if (rows == TILE_LINES) score_rows(TILE_LINES, state, packed, shape->dim, b, row, maximum);
    else score_rows(4, state, packed, shape->dim, b, row, maximum);
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

  float *sums = state->sums + group * TILE_LANES * shape->width;
  const int64_t width = shape->width;
  for (int64_t d = 0; d < width; d += TILE_LANES)
    for (int64_t r = 0; r < queries;) {
      const int rows = tile_step(queries - r);
      const int64_t from = MB_MAX(0, b->query + r - b->window - b->key);
      const int64_t to = MB_MIN(b->count, b->query + r + rows + b->window - b->key);
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

void MB_FN(mb_attention_forward_task)(void *context, int64_t index, int worker) {
  const attention_forward_call *c = context;
  const attention_shape *shape = &c->shape;
  const attention_task *task = &c->tasks[index];
  const int64_t dim = shape->dim, width = shape->width, row = shape->row, window = shape->window;
  const int64_t groups = round_up(task->count, TILE_LANES) / TILE_LANES;
  const int64_t span = window <= NARROW_WINDOW ? round_up(task->count + 2 * window + 31, 4) : KEY_CHUNK;
  const int64_t widened = c->dtype == MB_F32 ? 0 : MB_MAX(span, TILE_LANES) * dim;
  float *scratch = mb_scratch(worker, MB_SLOT_KERNEL_1,
                              sizeof(float) * (size_t)(QUERY_BLOCK * (dim + width) + span * (dim + width) + STEP * TILE_LANES + widened));
  forward_state state;
  state.scores = scratch;
  state.sums = state.scores + STEP * TILE_LANES;
  state.queries = state.sums + QUERY_BLOCK * width;
  state.values = state.queries + QUERY_BLOCK * dim;
  state.keys = state.values + span * width;
  state.wide = state.keys + span * dim;

  const int64_t base = task->start * row + task->head * dim, keys = base + shape->heads * dim, values = keys + shape->heads * dim;
  memset(state.sums, 0, sizeof(float) * (size_t)(groups * TILE_LANES * width));
  for (int64_t group = 0; group < groups; group++) {
    const int64_t query = task->first + group * TILE_LANES;
    const int64_t queries = MB_MIN(TILE_LANES, task->length - query);
    const head_rows from = rows_at(c, base + query * row, queries, state.wide);
    pack_transposed(state.queries + group * dim * TILE_LANES, TILE_LANES, from.data, from.stride, queries, dim, (float)(shape->scale * LOG2_E));
    for (int v = 0; v < TILE_VECTORS; v++) state.maximum[group][v] = v_set(LOWEST), state.total[group][v] = v_set(0);
  }
  const int64_t end = MB_MIN(task->length, task->first + task->count + window);
  for (int64_t chunk = attention_first_key(shape, task, KEY_CHUNK); chunk < end; chunk += span) {
    const int64_t chunk_end = MB_MIN(end, chunk + span), count = chunk_end - chunk;
    head_rows from = rows_at(c, keys + chunk * row, count, state.wide);
    pack_rows(state.keys, dim, from.data, from.stride, count, round_up(count, 4), dim);
    from = rows_at(c, values + chunk * row, count, state.wide);
    pack_rows(state.values, width, from.data, from.stride, count, round_up(count, 4), dim);
    for (int64_t group = 0; group < groups; group++) {
      const int64_t query = task->first + group * TILE_LANES, queries = MB_MIN(TILE_LANES, task->length - query);
      const int64_t to = MB_MIN(chunk_end, query + queries + window);
      for (int64_t key = MB_MAX(chunk, (query - window) / 4 * 4); key < to; key += STEP) {
        const band b = {.query = query, .key = key, .count = round_up(MB_MIN(STEP, to - key), 4),
                        .all_from = query + TILE_LANES - 1 - window - key, .all_to = MB_MIN(chunk_end, query + window + 1) - key,
                        .window = window, .last_key = chunk_end - 1,
                        .keys = state.keys + (key - chunk) * dim, .values = state.values + (key - chunk) * width};
        attend(&state, shape, task, group, round_up(queries, 4), &b);
      }
    }
  }
  finish(c, &state, task);
}

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
  attention_run(&call, cu_seqlens->data, sequences, QUERY_BLOCK, MB_FN(mb_attention_forward_task));
}
