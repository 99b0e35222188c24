/* StableAdamW (optimi; Wortsman et al. 2023): AdamW whose step is divided by the root mean square of g / sqrt(v) where that is above 1.
 *
 * Two streaming passes: the first only reads (g, v) and sums, the second updates p, m and v. What the first pass would have to write is
 * cheaper to compute again. The sum goes over blocks of fixed size: f32 within 16 vectors, double beyond, blocks in order. */
#include "base/command.h"
#include "base/parallel.h"
#include "simd/simd.h"

#include <math.h>

#define BLOCK 32768
#define INNER (16 * VL)

typedef struct {
  int64_t size;
  float *p, *m, *v;
  const float *g;
  float scale, beta1, beta2, eps, shrink, step; /* p ← p - (shrink · p + step · m / (sqrt(v) + eps)) */
  double *sums;
} adamw_context;

static inline vf next_v(const adamw_context *c, vf v, vf g) { return c->beta2 * v + (1.0f - c->beta2) * g * g; }

static void sum_body(void *context, int64_t index, int worker) {
  (void)worker;
  const adamw_context *c = context;
  const int64_t end = MB_MIN(c->size, (index + 1) * BLOCK);
  const vf floor = v_set(fmaxf(c->eps * c->eps, 1e-37f)); /* keeps lanes beyond the end, where g = v = 0, at 0 */
  double sum = 0;
  for (int64_t inner = index * BLOCK; inner < end; inner += INNER) {
    vf partial = v_set(0);
    for (int64_t i = inner; i < MB_MIN(end, inner + INNER); i += VL) {
      const int64_t n = MB_MIN(VL, end - i);
      const vf g = v_load_n(c->g + i, n) * c->scale;
      partial += g * g / v_greater_of(floor, next_v(c, v_load_n(c->v + i, n), g));
    }
    sum += v_sum_double(partial);
  }
  c->sums[index] = sum;
}

static void update_body(void *context, int64_t index, int worker) {
  (void)worker;
  const adamw_context *c = context;
  const int64_t end = MB_MIN(c->size, (index + 1) * BLOCK);
  for (int64_t i = index * BLOCK; i < end; i += VL) {
    const int64_t n = MB_MIN(VL, end - i);
    const vf g = v_load_n(c->g + i, n) * c->scale;
    const vf m = c->beta1 * v_load_n(c->m + i, n) + (1.0f - c->beta1) * g;
    const vf v = next_v(c, v_load_n(c->v + i, n), g);
    v_store_n(c->m + i, m, n);
    v_store_n(c->v + i, v, n);
    const vf p = v_load_n(c->p + i, n);
    v_store_n(c->p + i, p - (c->shrink * p + c->step * m / (v_sqrt(v) + c->eps)), n);
  }
}

/* views: p, g, m, v (one shape; p, m and v updated in place), control [5] = lr, β̂1, β̂2, eps, decay, grad scale [1] (0: leave all as is). */
void MB_FN(mb_op_stable_adamw)(const mb_view *views, const double *attributes) {
  (void)attributes;
  const float *control = views[4].data;
  adamw_context context = {.size = mb_size_of(&views[0]), .p = views[0].data, .m = views[2].data, .v = views[3].data, .g = views[1].data};
  context.scale = *(const float *)views[5].data;
  if (context.scale == 0 || context.size == 0) return;
  context.beta1 = control[1], context.beta2 = control[2], context.eps = control[3];
  const int64_t blocks = (context.size + BLOCK - 1) / BLOCK;
  context.sums = mb_scratch(0, MB_SLOT_KERNEL_0, sizeof(double) * (size_t)blocks);
  mb_parallel(blocks, sum_body, &context);
  double sum = 0;
  for (int64_t block = 0; block < blocks; block++) sum += context.sums[block];
  const double rms = sqrt(sum / (double)context.size);
  context.step = (float)(control[0] / (rms < 1 ? 1 : rms)); /* NaN stays NaN */
  context.shrink = context.step * control[4];
  mb_parallel(blocks, update_body, &context);
}
