/* What the two forms of attention's backward share: the call, and the turns in which tasks add to the gradient of queries. */
#ifndef MB_ATTENTION_BACKWARD_H
#define MB_ATTENTION_BACKWARD_H

#include <sched.h>
#include <stdatomic.h>

#include "attention/attention.h"

#define ROWS 32 /* queries that a task takes at a time */

typedef struct {
  attention_shape shape;
  int32_t dtype; /* of qkv, out and their gradients: f32, or bf16 for bodies on pairs */
  const void *qkv, *out, *grad_out;
  const float *lse;
  void *grad_qkv;
  float *delta; /* [H, T] = Σ_d dO · O */
  float *grad_queries; /* [T, …, H, D] in f32: the first third of grad_qkv, or where it is summed before it is rounded */
  int64_t grad_queries_row; /* from one token to the next */
  const attention_task *tasks;
  atomic_int *turns; /* [H][T / ROWS + N]: key blocks that have been added to each block of queries */
  int64_t turns_per_head;
  int64_t key_block; /* keys of a task */
} attention_backward_call;

#define KEY_BLOCK 128 /* keys of a task on vectors */

/* The working set of a task on vectors, in scratch, in words as in attention/backward_task.h. Panels hold TILE_LANES keys, one per SIMD lane. */
typedef struct {
  float *keys_panels, *values_panels;    /* words [KEY_BLOCK / TILE_LANES][WORDS(dim)][TILE_LANES] */
  float *keys;                           /* words [KEY_BLOCK / ROWS_IN_WORD][width] */
  float *grad_keys, *grad_values;        /* [KEY_BLOCK][width] */
  float *queries, *grad_out;             /* words [ROWS][ROW_WORDS(shape)] */
  float *query_words, *grad_out_words;   /* the same in words [ROWS / ROWS_IN_WORD][width] */
  float *probabilities, *grad_scores;    /* words [ROWS / ROWS_IN_WORD][KEY_BLOCK] */
  float *grad_scores_by_key;             /* words [ROWS][KEY_BLOCK / ROWS_IN_WORD] */
  float *factors;                        /* of dropout, [ROWS][KEY_BLOCK] */
} backward_state;

/* Waits until `before` key blocks have been added. Tasks start in order of their numbers, so those that come before are on their way. */
static inline void wait_for_turn(atomic_int *turn, int before) {
  for (int spin = 0; atomic_load_explicit(turn, memory_order_acquire) != before && !mb_given_up(); spin++)
    if (spin > 1000) sched_yield();
}

/* How many key blocks come before that of `task` at the block of queries that begins with `query`. */
static inline int turns_before(const attention_backward_call *c, const attention_task *task, int64_t query) {
  return (int)(task->first / c->key_block - MB_MAX(0, query - c->shape.window) / c->key_block);
}

/* The body of a backward task, on vectors. */
void MB_FN(mb_attention_backward_task)(void *call, int64_t index, int worker);

/* attention/backward_pairs.c: the same with products of bf16, for calls in bf16 where the machine has them; else NULL. */
mb_body MB_FN(mb_attention_backward_pairs)(int32_t dtype, int64_t dim);

#if defined(__AMX_BF16__)
#define AMX_KEY_BLOCK 256

/* The body of a backward task of up to AMX_KEY_BLOCK keys on AMX tiles, for dim a multiple of 32, without dropout. */
void MB_FN(mb_attention_backward_amx_task)(void *call, int64_t index, int worker);
#endif

#endif
