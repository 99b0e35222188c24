/* fill, iota and randomBits: outputs from numbers alone. */
#include "base/convert.h"
#include "base/parallel.h"
#include "base/strided.h"
#include "simd/philox.h"

#define TASK (32 * MB_BLOCK)

typedef struct {
  mb_view out;
  int64_t size;
  double value, step;
  uint32_t key[2], counter[2];
} fill_context;

static fill_context context_of(const mb_view *views) {
  fill_context context = {.out = views[0]};
  context.size = mb_size_of(&context.out);
  return context;
}

static void run(fill_context *context, mb_body body) { mb_parallel(mb_ceil_div(context->size, TASK), body, context); }

static void fill_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const fill_context *c = opaque;
  double block[MB_BLOCK];
  const int64_t end = MB_MIN(c->size, (task + 1) * TASK);
  for (int64_t i = 0; i < MB_MIN(MB_BLOCK, c->size); i++) block[i] = c->value;
  for (int64_t start = task * TASK; start < end; start += MB_BLOCK)
    MB_FN(mb_store_f64)(&c->out, start, MB_MIN(MB_BLOCK, end - start), block);
}

void MB_FN(mb_op_fill)(const mb_view *views, const double *attributes) {
  fill_context context = context_of(views);
  context.value = attributes[0];
  MB_FN(mb_coalesce)((mb_view *[]){&context.out}, 1);
  if (context.value == 0 && !signbit(context.value) && mb_is_contiguous(&context.out) && context.size <= TASK) {
    memset(context.out.data, 0, (size_t)(context.size * mb_bytes_of(context.out.dtype)));
    return;
  }
  run(&context, fill_task);
}

static void iota_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const fill_context *c = opaque;
  const int64_t extent = c->out.rank == 0 ? 1 : c->out.shape[c->out.rank - 1];
  double block[MB_BLOCK];
  const int64_t end = MB_MIN(c->size, (task + 1) * TASK);
  for (int64_t start = task * TASK; start < end; start += MB_BLOCK) {
    const int64_t n = MB_MIN(MB_BLOCK, end - start);
    int64_t index = start % extent;
    for (int64_t i = 0; i < n; i++, index = index + 1 == extent ? 0 : index + 1) {
      const volatile double product = c->step * (double)index; /* volatile: an FMA would give other bits than other backends */
      block[i] = c->value + product;
    }
    MB_FN(mb_store_f64)(&c->out, start, n, block);
  }
}

void MB_FN(mb_op_iota)(const mb_view *views, const double *attributes) {
  fill_context context = context_of(views);
  context.value = attributes[0];
  context.step = attributes[1];
  run(&context, iota_task);
}

static void random_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const fill_context *c = opaque;
  uint32_t words[4 * VL];
  const int64_t end = MB_MIN(c->size, (task + 1) * TASK);
  for (int64_t start = task * TASK; start < end; start += 4 * VL) {
    philox_run((uint64_t)start / 4, c->key, c->counter, words);
    const int64_t n = MB_MIN(4 * VL, end - start);
    uint32_t *out = (uint32_t *)c->out.data + start;
    if (c->out.dtype == MB_F32)
      for (int64_t i = 0; i < n; i++) ((float *)out)[i] = (float)(int32_t)(words[i] >> 8) * 0x1p-24f;
    else memcpy(out, words, (size_t)n * 4);
  }
}

void MB_FN(mb_op_random_bits)(const mb_view *views, const double *attributes) {
  fill_context context = context_of(views);
  const uint32_t *step = views[1].data; /* or absent */
  for (int i = 0; i < 2; i++) {
    context.key[i] = (uint32_t)(int64_t)attributes[i];
    context.counter[i] = (uint32_t)(int64_t)attributes[2 + i] + (step ? step[i] : 0);
  }
  run(&context, random_task);
}
