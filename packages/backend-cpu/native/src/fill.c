/* fill, iota and randomBits: outputs from numbers alone. */
#include "convert.h"
#include "parallel.h"
#include "strided.h"

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

static void run(fill_context *context, mb_body body) { mb_parallel((context->size + TASK - 1) / TASK, body, context); }

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

/* Philox4x32-10 on LANES counters at a time (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC'11). */
#define LANES 16
static void philox(uint64_t first_block, const uint32_t key[2], const uint32_t counter[2], uint32_t words[4 * LANES]) {
  uint32_t x0[LANES], x1[LANES], x2[LANES], x3[LANES];
  for (int i = 0; i < LANES; i++) {
    x0[i] = (uint32_t)(first_block + (uint64_t)i);
    x1[i] = (uint32_t)((first_block + (uint64_t)i) >> 32);
    x2[i] = counter[0];
    x3[i] = counter[1];
  }
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
    for (int i = 0; i < LANES; i++) {
      const uint64_t a = (uint64_t)0xD2511F53 * x0[i], b = (uint64_t)0xCD9E8D57 * x2[i];
      const uint32_t y0 = (uint32_t)(b >> 32) ^ x1[i] ^ k0, y2 = (uint32_t)(a >> 32) ^ x3[i] ^ k1;
      x0[i] = y0;
      x1[i] = (uint32_t)b;
      x2[i] = y2;
      x3[i] = (uint32_t)a;
    }
  }
  for (int i = 0; i < LANES; i++) {
    words[4 * i] = x0[i];
    words[4 * i + 1] = x1[i];
    words[4 * i + 2] = x2[i];
    words[4 * i + 3] = x3[i];
  }
}

static void random_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const fill_context *c = opaque;
  uint32_t words[4 * LANES];
  const int64_t end = MB_MIN(c->size, (task + 1) * TASK);
  for (int64_t start = task * TASK; start < end; start += 4 * LANES) {
    philox((uint64_t)start / 4, c->key, c->counter, words);
    const int64_t n = MB_MIN(4 * LANES, end - start);
    uint32_t *out = (uint32_t *)c->out.data + start;
    if (c->out.dtype == MB_F32)
      for (int64_t i = 0; i < n; i++) ((float *)out)[i] = (float)(int32_t)(words[i] >> 8) * 0x1p-24f;
    else memcpy(out, words, (size_t)n * 4);
  }
}

void MB_FN(mb_op_random_bits)(const mb_view *views, const double *attributes) {
  fill_context context = context_of(views);
  for (int i = 0; i < 2; i++) {
    context.key[i] = (uint32_t)(int64_t)attributes[i];
    context.counter[i] = (uint32_t)(int64_t)attributes[2 + i];
  }
  run(&context, random_task);
}
