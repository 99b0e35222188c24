/* Attention's forward on AMX tiles (attention/amx_block.h), for head dimensions 32, 64, 96, ….
 *
 * As in attention/forward.c a task owns queries of one head, and scores are [key][query] with one query per SIMD lane. Queries go in
 * groups of 32. Keys and values are cut into parts in blocks of 32, values as rows of Vᵀ, so that both products take the block of keys or
 * values as A and the queries or probabilities as B, and the sums are [dim][query]. A group takes its keys in steps of up to STEP: the
 * whole window of a local layer is one step, without any rescaling. Without a narrow window all groups take the keys of a chunk before
 * the next chunk is packed. Either way a ring holds the blocks that are needed at the time, and what comes next is prefetched. */
#include "attention/attention.h"

#if defined(__AMX_BF16__)
#include "attention/amx_pack.h"
#include "attention/amx_softmax.h"
#include "base/convert.h"

#define QUERY_BLOCK 1024 /* rows that share packed keys, within the L2 cache */
#define STEP 160       /* keys of a step at most: 32 queries and 64 keys on both sides */
#define CHUNK 128      /* keys of a step where there is no narrow window: stay in the L1 cache */

typedef struct {
  char *queries;       /* [slot][dim / 32] blocks, B */
  char *keys, *values; /* [ring][dim / 32] blocks, A */
  int64_t ring;        /* blocks of 32 keys, a power of 2: keys from `key` on are block key / 32 % ring */
  char *probabilities; /* [key / 32] blocks, B */
  float *partial;         /* [32][GROUP] */
  float *sums;         /* [slot][dim][GROUP] */
  vf (*maximum)[2], (*total)[2]; /* [slot] */
} amx_state;

static inline int64_t ring_at(const amx_state *state, int64_t dim_blocks, int64_t key) {
  return (key / 32 & (state->ring - 1)) * dim_blocks * AMX_BLOCK_BYTES;
}

/* The probabilities of `now` and the scores of `next`, either of which may have no keys. They have nothing to do with each other: the tile
 * unit multiplies while the vector units take exponentials. */
MB_INLINE void soften_and_score(int64_t dim_blocks, const amx_state *state, const key_step *now, key_step *next) {
  const char *queries = state->queries + next->slot * dim_blocks * AMX_BLOCK_BYTES;
  const int64_t steps = 6 * dim_blocks;
  vf maximum[2], total[2][2], raised[2];
#pragma GCC unroll 2
  for (int v = 0; v < 2; v++) {
    maximum[v] = state->maximum[now->slot][v];
    total[0][v] = state->total[now->slot][v] * now->factor[v];
    total[1][v] = v_set(0);
    raised[v] = state->maximum[next->slot][v];
  }
  for (int64_t k = 0; k < MB_MAX(now->blocks, next->blocks); k++) {
    const int64_t rows = k < now->blocks ? 16 : 0;
    const float *scores = now->scores + k * 32 * GROUP;
    char *probabilities = state->probabilities + k * AMX_BLOCK_BYTES;
    if (k >= next->blocks) {
      soften(scores, probabilities, 0, rows, maximum, total);
      continue;
    }
    amx_zero();
    const char *keys = state->keys + ring_at(state, dim_blocks, next->key + k * 32);
    for (int64_t d = 0; d < dim_blocks; d++)
#pragma GCC unroll 6
      for (int step = 0; step < 6; step++) {
        amx_add_step(step, keys + d * AMX_BLOCK_BYTES, queries + d * AMX_BLOCK_BYTES);
        const int64_t done = d * 6 + step;
        soften(scores, probabilities, done * rows / steps, (done + 1) * rows / steps, maximum, total);
      }
    amx_store(next->scores + k * 32 * GROUP, GROUP);
    if (k > 0) raise_maximum(next, k - 1, raised);
  }
  if (next->blocks > 0) raise_maximum(next, next->blocks - 1, raised);
#pragma GCC unroll 2
  for (int v = 0; v < 2; v++) {
    state->total[now->slot][v] = total[0][v] + total[1][v];
    next->factor[v] = v_exp2_negative(state->maximum[next->slot][v] - raised[v]);
    state->maximum[next->slot][v] = raised[v];
  }
}

/* sums = sums · factor + Vᵀ · P */
MB_INLINE void add_values(int64_t dim_blocks, const amx_state *state, const key_step *s) {
  float *sums = state->sums + s->slot * dim_blocks * 32 * GROUP;
  for (int64_t d = 0; d < dim_blocks; d++, sums += 32 * GROUP) {
    amx_zero();
    for (int64_t k = 0; k < s->blocks; k++)
      amx_add_product(state->values + ring_at(state, dim_blocks, s->key + k * 32) + d * AMX_BLOCK_BYTES, state->probabilities + k * AMX_BLOCK_BYTES);
    amx_store(s->first ? sums : state->partial, GROUP);
    if (s->first) continue;
    for (int r = 0; r < 32; r++)
#pragma GCC unroll 2
      for (int v = 0; v < 2; v++) {
        float *at = sums + r * GROUP + v * VL;
        v_store(at, v_load(at) * s->factor[v] + v_load(state->partial + r * GROUP + v * VL));
      }
  }
}

/* Writes the result of a group. */
static void finish(const attention_forward_call *c, const amx_state *state, const attention_task *task, const key_step *s) {
  const attention_shape *shape = &c->shape;
  const int64_t dim = shape->dim;
  for (int64_t v = 0; v < 2; v++) {
    const int64_t query = s->query + v * VL, rows = MB_MIN(VL, task->first + task->count - query), at = task->start + query;
    if (rows <= 0) return;
    const vf maximum = state->maximum[s->slot][v], total = state->total[s->slot][v], inverse = 1.0f / total;
    if (c->lse) v_store_n(c->lse + task->head * shape->tokens + at, maximum + v_log(total) * (float)LOG2_E, rows);
    for (int64_t d = 0; d < dim; d += VL) {
      vf block[VL];
#pragma GCC unroll 16
      for (int i = 0; i < VL; i++) block[i] = v_load(state->sums + (s->slot * dim + d + i) * GROUP + v * VL) * inverse;
      v_transpose(block);
      for (int r = 0; r < rows; r++) v_store((float *)c->out + ((at + r) * shape->heads + task->head) * dim + d, block[r]);
    }
  }
}

/* Finishes the step `now` and begins `next`, which takes its place. */
static void advance(const attention_forward_call *c, const amx_state *state, const attention_task *task, key_step *now, key_step *next) {
  const int64_t dim_blocks = c->shape.dim / 32;
  if (dim_blocks == 2) soften_and_score(2, state, now, next);
  else if (dim_blocks == 1) soften_and_score(1, state, now, next);
  else soften_and_score(dim_blocks, state, now, next);
  __asm__ volatile("" ::: "memory"); /* tiles are loaded from what was stored */
  if (now->blocks > 0) add_values(dim_blocks, state, now);
  if (now->blocks > 0 && now->last) finish(c, state, task, now);
  *now = *next;
}

static void forward_body(void *context, int64_t index, int worker) {
  const attention_forward_call *c = context;
  const attention_shape *shape = &c->shape;
  const attention_task *task = &c->tasks[index];
  if (task->length <= AMX_SHORT) {
    MB_FN(mb_attention_forward_task)(context, index, worker);
    return;
  }
  const int64_t dim = shape->dim, dim_blocks = dim / 32, row = shape->row, out_row = shape->heads * dim, window = shape->window;
  const int narrow = window <= NARROW_WINDOW;
  const int64_t groups = round_up(task->count, GROUP) / GROUP, step = narrow ? STEP : CHUNK, slots = narrow ? 2 : groups;
  amx_state state = {.ring = 2 * CHUNK / 32};
  while (narrow && state.ring < 2 * window / 32 + 4) state.ring *= 2; /* the keys of two groups */

  const int64_t block_bytes = dim_blocks * AMX_BLOCK_BYTES, score_floats = step * GROUP;
  char *scratch = mb_scratch(worker, MB_SLOT_KERNEL_1,
                             (size_t)((slots + 2 * state.ring) * block_bytes + step / 32 * AMX_BLOCK_BYTES + slots * 4 * (int64_t)sizeof(vf) +
                                      (2 * score_floats + 32 * GROUP + slots * dim * GROUP) * (int64_t)sizeof(float)));
  state.queries = scratch;
  state.keys = state.queries + slots * block_bytes;
  state.values = state.keys + state.ring * block_bytes;
  state.probabilities = state.values + state.ring * block_bytes;
  float *scores = (float *)(state.probabilities + step / 32 * AMX_BLOCK_BYTES);
  state.partial = scores + 2 * score_floats;
  state.sums = state.partial + 32 * GROUP;
  state.maximum = (vf(*)[2])(state.sums + slots * dim * GROUP);
  state.total = state.maximum + slots;

  const float *queries = (const float *)c->qkv + task->start * row + task->head * dim;
  const float *keys = queries + out_row, *values = keys + out_row;
  const float *out = (const float *)c->out + task->start * out_row + task->head * dim;
  const int64_t queries_end = task->first + task->count, keys_end = MB_MIN(task->length, queries_end + window);
  const int64_t begin = attention_first_key(shape, task, CHUNK);
  int64_t packed = begin, turn = 0;
  key_step now = {.blocks = 0}, next = {.blocks = 0};
  mb_amx_begin();
  for (int64_t chunk = begin; chunk < keys_end; chunk += narrow ? keys_end : CHUNK) {
    const int64_t chunk_end = narrow ? keys_end : MB_MIN(keys_end, chunk + CHUNK);
    for (int64_t query = task->first, group = 0; query < queries_end; query += GROUP, group++) {
      const int64_t slot = group % slots, first_key = MB_MAX(begin, (query - window) / 32 * 32), from = MB_MAX(chunk, first_key);
      const int64_t group_end = MB_MIN(keys_end, query + GROUP + window), to = MB_MIN(chunk_end, group_end);
      if (chunk == begin) {
        const int64_t ahead = query + GROUP;
        prefetch_rows(queries + ahead * row, row, MB_MIN(GROUP, queries_end - ahead), dim);
        pack_lines_b(state.queries + slot * block_bytes, queries + query * row, row, queries_end - query, dim,
                     (float)(shape->scale * LOG2_E));
        for (int v = 0; v < 2; v++) state.maximum[slot][v] = v_set(LOWEST), state.total[slot][v] = v_set(0);
      }
      if (group_end <= chunk_end) prefetch_rows(out + query * out_row, out_row, MB_MIN(GROUP, queries_end - query), dim);
      for (; packed < to; packed += 32) {
        const int64_t at = ring_at(&state, dim_blocks, packed);
        pack_lines_a(state.keys + at, keys + packed * row, row, task->length - packed, dim, 1);
        pack_columns_a(state.values + at, values + packed * row, row, task->length - packed, dim);
      }
      /* Keys that will be packed next: all 32 for the next group, or a share of the next chunk. */
      const int64_t share = narrow ? 32 : CHUNK / groups + 1, soon = narrow ? packed : chunk_end + group * share;
      prefetch_rows(keys + soon * row, row, MB_MIN(share, keys_end - soon), dim);
      prefetch_rows(values + soon * row, row, MB_MIN(share, keys_end - soon), dim);
      for (int64_t key = from; key < to; key += step) {
        next = (key_step){.query = query, .key = key, .blocks = round_up(MB_MIN(step, to - key), 32) / 32, .slot = slot, .window = window,
                          .last_key = task->length - 1, .first = key == first_key, .last = key + step >= group_end,
                          .scores = scores + (turn++ & 1) * score_floats};
        advance(c, &state, task, &now, &next);
      }
    }
  }
  next.blocks = 0;
  advance(c, &state, task, &now, &next);
  mb_amx_end();
}

typedef struct {
  const void *from;
  int32_t from_dtype, to_dtype;
  void *to;
  int64_t size;
} convert_context;

static void convert_task(void *opaque, int64_t row, int worker) {
  (void)worker;
  const convert_context *c = opaque;
  const int64_t at = row * c->size;
  if (c->to_dtype == MB_F32) mb_as_f32(c->from, c->from_dtype, at, c->size, (float *)c->to + at);
  else mb_put_f32((const float *)c->from + at, c->size, c->to, c->to_dtype, at);
}

/* Tiles are loaded from f32, so other numbers are widened before, the result rounded after. */
void MB_FN(mb_attention_forward_amx)(attention_forward_call *call, const int32_t *cu_seqlens, int64_t sequences) {
  const attention_shape *shape = &call->shape;
  if (call->dtype == MB_F32) {
    attention_run(call, cu_seqlens, sequences, QUERY_BLOCK, forward_body);
    return;
  }
  const int64_t out_row = shape->heads * shape->dim, tokens = shape->tokens;
  attention_forward_call wide = *call;
  float *room = mb_scratch(0, MB_SLOT_KERNEL_2, sizeof(float) * (size_t)MB_MAX(1, tokens * (shape->row + out_row)));
  wide.dtype = MB_F32, wide.qkv = room, wide.out = room + tokens * shape->row;
  mb_parallel(tokens, convert_task, &(convert_context){call->qkv, call->dtype, MB_F32, room, shape->row});
  attention_run(&wide, cu_seqlens, sequences, QUERY_BLOCK, forward_body);
  mb_parallel(tokens, convert_task, &(convert_context){wide.out, MB_F32, call->dtype, call->out, out_row});
}
#endif
