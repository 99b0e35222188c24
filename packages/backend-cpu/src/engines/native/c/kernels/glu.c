/* Gated linear unit: y = activation(x[:, :I]) · x[:, I:], forward and backward. */
#include "base/command.h"
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
  const float *x, *grad_y;
  float *y, *grad_x;
} glu_context;

static inline __attribute__((always_inline)) void forward_rows(int activation, const glu_context *c, int64_t from, int64_t to) {
  const int64_t width = c->width;
  for (int64_t row = from; row < to; row++) {
    const float *a = c->x + row * 2 * width, *gate = a + width;
    float *y = c->y + row * width;
    int64_t i = 0;
    for (; i + VL <= width; i += VL) v_store(y + i, activate(activation, v_load(a + i)).value * v_load(gate + i));
    const int64_t n = width - i;
    if (n > 0) v_store_n(y + i, activate(activation, v_load_n(a + i, n)).value * v_load_n(gate + i, n), n);
  }
}

static inline __attribute__((always_inline)) void backward_rows(int activation, const glu_context *c, int64_t from, int64_t to) {
  const int64_t width = c->width;
  for (int64_t row = from; row < to; row++) {
    const float *a = c->x + row * 2 * width, *gate = a + width, *grad = c->grad_y + row * width;
    float *grad_a = c->grad_x + row * 2 * width, *grad_gate = grad_a + width;
    for (int64_t i = 0; i < width; i += VL) {
      const int64_t n = MB_MIN(VL, width - i);
      const activated f = activate(activation, v_load_n(a + i, n));
      const vf g = v_load_n(grad + i, n);
      v_store_n(grad_a + i, g * v_load_n(gate + i, n) * f.slope, n);
      v_store_n(grad_gate + i, g * f.value, n);
    }
  }
}

#define BODIES(activation, name)                                                                                   \
  static void forward_##name(void *context, int64_t task, int worker) {                                            \
    (void)worker;                                                                                                  \
    const glu_context *c = context;                                                                                \
    forward_rows(activation, c, task * c->rows_per_task, MB_MIN(c->rows, (task + 1) * c->rows_per_task));          \
  }                                                                                                                \
  static void backward_##name(void *context, int64_t task, int worker) {                                           \
    (void)worker;                                                                                                  \
    const glu_context *c = context;                                                                                \
    backward_rows(activation, c, task * c->rows_per_task, MB_MIN(c->rows, (task + 1) * c->rows_per_task));         \
  }
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

/* views: y [T, I], x [T, 2I]; attributes: activation. */
void MB_FN(mb_op_glu_forward)(const mb_view *views, const double *attributes) {
  static const mb_body bodies[] = {forward_gelu, forward_gelu_tanh, forward_silu, forward_relu};
  glu_context context = {.y = views[0].data, .x = views[1].data};
  run(&context, views[0].shape[0], views[0].shape[1], bodies[(int)attributes[0]]);
}

/* views: grad x [T, 2I], x [T, 2I], grad y [T, I]; attributes: activation. */
void MB_FN(mb_op_glu_backward)(const mb_view *views, const double *attributes) {
  static const mb_body bodies[] = {backward_gelu, backward_gelu_tanh, backward_silu, backward_relu};
  glu_context context = {.grad_x = views[0].data, .x = views[1].data, .grad_y = views[2].data};
  run(&context, views[2].shape[0], views[2].shape[1], bodies[(int)attributes[0]]);
}
