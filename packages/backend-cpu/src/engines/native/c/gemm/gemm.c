/* mb_gemm: which kernels a product goes to, and batches of products. */
#include "gemm/gemm.h"

#include "base/convert.h"
#include "base/parallel.h"
#include "gemm/amx.h"
#include "gemm/dot.h"
#include "gemm/fma.h"

/* Two passes of the dot kernels over a weight take longer than micro-kernels where registers are few and these read it as it lies. */
static int dot_suits(const mb_gemm_args *x) {
  if (x->m > MB_DOT_ROWS || x->a_col != 1 || !(x->b_row == 1 || x->b16)) return 0;
#if defined(__AVX2__) && !defined(__AVX512F__)
  return x->m <= MB_DOT_ROWS / 2 || x->b16 || x->b_col % MB_FMA_CONFLICT == 0;
#else
  return 1;
#endif
}

/* Bias and rounding, of rows whose sums are complete. */
static void finish_task(void *opaque, int64_t row, int worker) {
  (void)worker;
  const mb_gemm_args *x = opaque;
  float *sums = x->c + row * x->c_row;
  for (int64_t i = 0; i < x->n && x->bias; i += VL) {
    const int64_t n = MB_MIN(VL, x->n - i);
    v_store_n(sums + i, v_load_n(sums + i, n) + v_load_n(x->bias + i, n), n);
  }
  if (x->c16) MB_FN(mb_from_f32)(sums, x->n, x->c16 + row * x->c_row, x->dtype16);
}

static void run_one(const mb_gemm_args *x, const float *a, const float *b, float *c, int worker) {
  if (x->m == 0 || x->n == 0) return;
  if (x->k == 0)
    for (int64_t m = 0; m < x->m && !x->accumulate; m++) memset(c + m * x->c_row, 0, (size_t)x->n * sizeof(float));
  else if (dot_suits(x)) MB_FN(mb_gemm_dot)(x, a, b, c, worker);
#if defined(__AMX_BF16__)
  else if (!x->a16 && !x->b16 && MB_FN(mb_gemm_amx_suits)(x)) MB_FN(mb_gemm_amx)(x, a, b, c, worker);
#endif
  else {
    MB_FN(mb_gemm_fma)(x, a, b, c, worker); /* finishes tile by tile */
    return;
  }
  if (x->bias || x->c16) mb_parallel(x->m, finish_task, (void *)x);
}

static void run_batch(const mb_gemm_args *x, int64_t index, int worker) {
  const float *a = x->a, *b = x->b;
  float *c = x->c;
  for (int32_t axis = x->batch_rank - 1; axis >= 0; axis--) {
    const int64_t i = index % x->batch[axis];
    index /= x->batch[axis];
    a += i * x->a_batch[axis];
    b += i * x->b_batch[axis];
    c += i * x->c_batch[axis];
  }
  run_one(x, a, b, c, worker);
}

static int64_t batches(const mb_gemm_args *x) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < x->batch_rank; axis++) count *= x->batch[axis];
  return count;
}

static void batch_task(void *opaque, int64_t task, int worker) { run_batch(opaque, task, worker); }

void MB_FN(mb_gemm)(const mb_gemm_args *args) {
  const int64_t count = batches(args);
  if (count >= 4 * mb_workers()) mb_parallel(count, batch_task, (void *)args);
  else
    for (int64_t index = 0; index < count; index++) run_batch(args, index, 0);
}

void MB_FN(mb_gemm_serial)(const mb_gemm_args *args, int worker) {
  for (int64_t index = 0, count = batches(args); index < count; index++) run_batch(args, index, worker);
}
