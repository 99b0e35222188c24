/* What attention's forward and backward share: the geometry of a call and its list of tasks. */
#ifndef MB_ATTENTION_H
#define MB_ATTENTION_H

#include <stdlib.h>

#include "base/command.h"
#include "base/parallel.h"
#include "attention/dropout.h"
#include "attention/tile.h"

#define LOG2_E 1.4426950408889634

typedef struct {
  int64_t tokens, heads, dim;
  int64_t width;  /* dim rounded up to whole vectors: the row length of packed operands */
  int64_t row;    /* floats from one token to the next in qkv: 3 · heads · dim */
  int64_t window; /* keys with |i - j| ≤ window are seen; INT64_MAX / 4 for all */
  float scale;
  attention_dropout dropout;
} attention_shape;

/* `count` rows (queries or keys) from row `first` on of a sequence that has `length` tokens and begins at token `start`. */
typedef struct {
  int64_t start, length, first, count, head, sequence;
} attention_task;

#define NARROW_WINDOW 128 /* up to it a task packs all of its keys at once */
#define LOWEST -3e38f /* the maximum of no scores: finite, so that differences are never NaN */

typedef struct {
  attention_shape shape;
  int32_t dtype; /* of qkv and out; bodies on tiles: f32 */
  const void *qkv;
  void *out;
  float *lse; /* may be NULL */
  const attention_task *tasks;
} attention_forward_call;

/* The body of a forward task, on vectors. */
void MB_FN(mb_attention_forward_task)(void *call, int64_t index, int worker);

/* attention/forward_pairs.c: the same with products of bf16, for calls in bf16 where the machine has them; else NULL. */
mb_body MB_FN(mb_attention_pairs_task)(const attention_forward_call *call);

#if defined(__AMX_BF16__)
#define AMX_SHORT 32 /* sequences up to it are faster on vectors, which pad less */

/* The forward pass on AMX tiles, for dim a multiple of 32, without dropout. */
void MB_FN(mb_attention_forward_amx)(attention_forward_call *call, const int32_t *cu_seqlens, int64_t sequences);
#endif

/* attributes: scale, window (-1: none), then those of dropout. */
static inline attention_shape attention_shape_of(const mb_view *qkv, const mb_view *step, const double *attributes) {
  const double window = attributes[1];
  attention_shape shape = {.tokens = qkv->shape[0], .heads = qkv->shape[2], .dim = qkv->shape[3], .scale = (float)attributes[0]};
  shape.dropout = attention_dropout_of(attributes + 2, step->data);
  shape.width = round_up(shape.dim, VL);
  shape.row = 3 * shape.heads * shape.dim;
  shape.window = window < 0 ? INT64_MAX / 4 : (int64_t)window;
  return shape;
}

/* The number of the first key's probability in the draw; `query` counts the tokens of the batch. */
static inline int64_t attention_draw(const attention_shape *shape, int64_t query, int64_t head) {
  return (query * shape->heads + head) * shape->dropout.row;
}

/* Checks cu_seqlens (0 first, tokens last, not decreasing) and reports a value error if it is not so. */
static inline int attention_check(const int32_t *cu_seqlens, int64_t sequences, int64_t tokens) {
  int right = cu_seqlens[0] == 0 && cu_seqlens[sequences] == tokens;
  for (int64_t n = 0; n < sequences; n++) right &= cu_seqlens[n] <= cu_seqlens[n + 1];
  if (!right) mb_value_error("varlenAttention", "expected cuSeqlens to rise from 0 to %lld, got %d … %d", (long long)tokens,
                             (int)cu_seqlens[0], (int)cu_seqlens[sequences]);
  return right;
}

/* Upper bound for the length of the list below. */
static inline int64_t attention_task_bound(const attention_shape *shape, int64_t sequences, int64_t size) {
  return (shape->tokens / size + sequences) * shape->heads;
}

/* Cuts every sequence into blocks of `size` rows, and lists them by block number, then sequence, then head: neighbouring tasks belong
 * to different sequences or heads, and the tasks of one (sequence, head) appear in the order of their rows. */
static inline int64_t attention_tasks(attention_task *list, const attention_shape *shape, const int32_t *cu_seqlens, int64_t sequences,
                                      int64_t size) {
  int64_t tasks = 0, before = -1;
  for (int64_t first = 0; tasks != before; first += size) {
    before = tasks;
    for (int64_t n = 0; n < sequences; n++) {
      int64_t length = cu_seqlens[n + 1] - cu_seqlens[n];
      if (length <= first) continue;
      for (int64_t head = 0; head < shape->heads; head++)
        list[tasks++] = (attention_task){cu_seqlens[n], length, first, MB_MIN(size, length - first), head, n};
    }
  }
  return tasks;
}

/* The key with which a task begins: the first that its window reaches, or the begin of a chunk. */
static inline int64_t attention_first_key(const attention_shape *shape, const attention_task *task, int64_t chunk) {
  const int64_t key = MB_MAX(0, task->first - shape->window);
  return shape->window <= NARROW_WINDOW ? key / 32 * 32 : key / chunk * chunk;
}

#define SMALLEST_BLOCK 128
#define SERIAL_WORK 16384 /* numbers of q up to which waking other threads costs more than it saves: some microseconds of work */

static inline int by_falling_size(const void *a, const void *b) {
  const int64_t left = ((const attention_task *)a)->count, right = ((const attention_task *)b)->count;
  return (left < right) - (left > right);
}

/* Runs a forward pass in tasks of up to `largest` rows: halved while there are too few tasks to keep all workers busy to the end, and the
 * large ones first. Kernels must not let a row's result depend on the cut. */
static inline void attention_run(attention_forward_call *call, const int32_t *cu_seqlens, int64_t sequences, int64_t largest,
                                 mb_body body) {
  const attention_shape *shape = &call->shape;
  const int64_t bound = attention_task_bound(shape, sequences, SMALLEST_BLOCK);
  attention_task *list = mb_scratch(0, MB_SLOT_KERNEL_0, sizeof(attention_task) * (size_t)bound);
  int64_t tasks = 0;
  for (int64_t size = largest; size >= SMALLEST_BLOCK && tasks < 8 * mb_workers(); size /= 2)
    tasks = attention_tasks(list, shape, cu_seqlens, sequences, size);
  call->tasks = list;
  if (shape->tokens * shape->heads * shape->dim <= SERIAL_WORK) {
    for (int64_t task = 0; task < tasks; task++) body(call, task, 0);
    return;
  }
  if (sequences > 1) qsort(list, (size_t)tasks, sizeof *list, by_falling_size);
  mb_parallel(tasks, body, call);
}

#endif
