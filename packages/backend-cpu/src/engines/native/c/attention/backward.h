/* What the two forms of attention's backward share: the call, and the turns in which tasks add to the gradient of queries. */
#ifndef MB_ATTENTION_BACKWARD_H
#define MB_ATTENTION_BACKWARD_H

#include <sched.h>
#include <stdatomic.h>

#include "attention/attention.h"

#define ROWS 32 /* queries that a task takes at a time */

typedef struct {
  attention_shape shape;
  const float *qkv, *lse, *grad_out;
  float *grad_qkv, *delta; /* delta [H, T] = Σ_d dO · O */
  const float *out;
  const attention_task *tasks;
  atomic_int *turns; /* [H][T / ROWS + N]: key blocks that have been added to each block of queries */
  int64_t turns_per_head;
  int64_t key_block; /* keys of a task */
} attention_backward_call;

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

#if defined(__AMX_BF16__)
#define AMX_KEY_BLOCK 256

/* The body of a backward task of up to AMX_KEY_BLOCK keys on AMX tiles, for dim a multiple of 32, without dropout. */
void MB_FN(mb_attention_backward_amx_task)(void *call, int64_t index, int worker);
#endif

#endif
