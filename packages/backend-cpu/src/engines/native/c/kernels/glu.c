/* Gated linear unit: y = activation(x[:, :I]) · x[:, I:], forward and backward. */
#include "base/convert.h"
#include "base/parallel.h"
#include "simd/simd.h"

#define ELEMENTS_PER_TASK 16384

enum { GELU, GELU_TANH, SILU, RELU }; /* in the order of native/fused/glu.ts */

#define SQRT_HALF 0.707106781f
#define INVERSE_SQRT_2_PI 0.398942280f
#define SQRT_2_OVER_PI 0.797884561f
#define CUBIC 0.044715f

typedef struct {
  vf value, slope;
} activated;

/* The activation and, where the caller uses it, its derivative. */
static inline __attribute__((always_inline)) activated activate(int activation, vf a) {
  switch (activation) {
    case GELU: {
      const vf cdf = 0.5f * v_erf(a * SQRT_HALF) + 0.5f;
      return (activated){a * cdf, cdf + a * INVERSE_SQRT_2_PI * v_exp(-0.5f * a * a)};
    }
    case GELU_TANH: {
      const vf square = a * a, t = v_tanh(SQRT_2_OVER_PI * a * (1.0f + CUBIC * square));
      const vf cdf = 0.5f * t + 0.5f;
      return (activated){a * cdf, cdf + 0.5f * a * (1.0f - t * t) * SQRT_2_OVER_PI * (1.0f + 3.0f * CUBIC * square)};
    }
    case SILU: {
      const vf sigmoid = 1.0f / (1.0f + v_exp(-a));
      return (activated){a * sigmoid, sigmoid * (1.0f + a * (1.0f - sigmoid))};
    }
    default:
      return (activated){v_greater_of(v_set(0), a), v_less(v_set(0), a)};
  }
}

typedef struct {
  int64_t rows, width, rows_per_task;
  int32_t dtype; /* of all */
  const void *x, *grad_y;
  void *y, *grad_x;
} glu_context;

#define INLINE static inline __attribute__((always_inline))

/* With constant activation and dtype. */
INLINE void forward_rows(int activation, int32_t dtype, const glu_context *c, int64_t from, int64_t to) {
  const int64_t width = c->width;
  for (int64_t row = from; row < to; row++) {
    const int64_t a = row * 2 * width, gate = a + width, y = row * width;
    int64_t i = 0;
    for (; i + VL <= width; i += VL)
      mb_store_float(dtype, c->y, y + i, activate(activation, mb_load_float(dtype, c->x, a + i, VL)).value * mb_load_float(dtype, c->x, gate + i, VL), VL);
    const int64_t n = width - i;
    if (n > 0) mb_store_float(dtype, c->y, y + i, activate(activation, mb_load_float(dtype, c->x, a + i, n)).value * mb_load_float(dtype, c->x, gate + i, n), n);
  }
}

INLINE void backward_rows(int activation, int32_t dtype, const glu_context *c, int64_t from, int64_t to) {
  const int64_t width = c->width;
  for (int64_t row = from; row < to; row++) {
    const int64_t a = row * 2 * width, gate = a + width;
    for (int64_t i = 0; i < width; i += VL) {
      const int64_t n = MB_MIN(VL, width - i);
      const activated f = activate(activation, mb_load_float(dtype, c->x, a + i, n));
      const vf g = mb_load_float(dtype, c->grad_y, row * width + i, n), other = mb_load_float(dtype, c->x, gate + i, n);
      mb_store_float(dtype, c->grad_x, a + i, g * other * f.slope, n);
      mb_store_float(dtype, c->grad_x, gate + i, g * f.value, n);
    }
  }
}

#define BODY(activation, name, pass)                                                                   \
  static void pass##_##name(void *context, int64_t task, int worker) {                                 \
    (void)worker;                                                                                      \
    const glu_context *c = context;                                                                    \
    const int64_t from = task * c->rows_per_task, to = MB_MIN(c->rows, (task + 1) * c->rows_per_task); \
    MB_BY_FLOAT(c->dtype, DTYPE, pass##_rows(activation, DTYPE, c, from, to))                          \
  }
#define BODIES(activation, name) BODY(activation, name, forward) BODY(activation, name, backward)
BODIES(GELU, gelu)
BODIES(GELU_TANH, gelu_tanh)
BODIES(SILU, silu)
BODIES(RELU, relu)

static void run(glu_context *context, int64_t rows, int64_t width, mb_body body) {
  context->rows = rows;
  context->width = width;
  context->rows_per_task = MB_MAX(1, ELEMENTS_PER_TASK / MB_MAX(1, width));
  mb_parallel((rows + context->rows_per_task - 1) / context->rows_per_task, body, context);
}

/* views: y [T, I], x [T, 2I], in one float dtype; attributes: activation. */
void MB_FN(mb_op_glu_forward)(const mb_view *views, const double *attributes) {
  static const mb_body bodies[] = {forward_gelu, forward_gelu_tanh, forward_silu, forward_relu};
  glu_context context = {.dtype = views[1].dtype, .y = views[0].data, .x = views[1].data};
  run(&context, views[0].shape[0], views[0].shape[1], bodies[(int)attributes[0]]);
}

/* views: grad x [T, 2I], x [T, 2I], grad y [T, I], in one float dtype; attributes: activation. */
void MB_FN(mb_op_glu_backward)(const mb_view *views, const double *attributes) {
  static const mb_body bodies[] = {backward_gelu, backward_gelu_tanh, backward_silu, backward_relu};
  glu_context context = {.dtype = views[1].dtype, .grad_x = views[0].data, .x = views[1].data, .grad_y = views[2].data};
  run(&context, views[2].shape[0], views[2].shape[1], bodies[(int)attributes[0]]);
}
