/* fill, iota and randomBits: outputs from numbers alone. */
#include "base/convert.h"
#include "base/parallel.h"
#include "base/strided.h"

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

typedef uint32_t vu __attribute__((vector_size(VL * 4)));
typedef uint64_t vl __attribute__((vector_size(VL * 4)));

/* The 64-bit products of the even lanes with m. */
static inline vl multiply_even(vu a, uint32_t m) {
#if defined(__AVX512F__)
  return (vl)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(m));
#elif defined(__AVX2__)
  return (vl)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(m));
#else
  return ((vl)a & 0xffffffff) * m;
#endif
}

static inline void multiply(vu a, uint32_t m, vu *high, vu *low) {
  const vl even = multiply_even(a, m), odd = multiply_even((vu)((vl)a >> 32), m);
  *high = (vu)((even >> 32) | (odd & 0xffffffff00000000));
  *low = (vu)((even & 0xffffffff) | (odd << 32));
}

/* Philox4x32-10 on VL counters at a time (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC'11). */
static void philox(uint64_t first_block, const uint32_t key[2], const uint32_t counter[2], uint32_t words[4 * VL]) {
  const vu zero = {0}, low = zero + (uint32_t)first_block;
  vu x[4] = {low + (vu)v_lanes(), zero + (uint32_t)(first_block >> 32), zero + counter[0], zero + counter[1]};
  x[1] -= (vu)(x[0] < low); /* a carry is a lane of -1 */
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
    vu high0, low0, high2, low2;
    multiply(x[0], 0xD2511F53, &high0, &low0);
    multiply(x[2], 0xCD9E8D57, &high2, &low2);
    x[0] = high2 ^ x[1] ^ k0;
    x[1] = low2;
    x[2] = high0 ^ x[3] ^ k1;
    x[3] = low0;
  }
  uint32_t lanes[4][VL];
  memcpy(lanes, x, sizeof lanes);
  for (int i = 0; i < VL; i++)
    for (int word = 0; word < 4; word++) words[4 * i + word] = lanes[word][i];
}

static void random_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const fill_context *c = opaque;
  uint32_t words[4 * VL];
  const int64_t end = MB_MIN(c->size, (task + 1) * TASK);
  for (int64_t start = task * TASK; start < end; start += 4 * VL) {
    philox((uint64_t)start / 4, c->key, c->counter, words);
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
