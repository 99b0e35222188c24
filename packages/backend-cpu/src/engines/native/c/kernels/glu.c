/* Gated linear unit: y = activation(x[:, :I]) · x[:, I:], forward and backward. Numbers of 16 bits are widened row by row. */
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

/* Rows in f32, where the tensors have 16 bits. */
typedef struct {
  float *x, *y, *grad_x;
} glu_room;

static glu_room room_of(const glu_context *c, int worker) {
  if (c->dtype == MB_F32) return (glu_room){NULL, NULL, NULL};
  float *room = mb_scratch(worker, MB_SLOT_CONVERT, sizeof(float) * (size_t)(5 * c->width));
  return (glu_room){room, room + 2 * c->width, room + 3 * c->width};
}

static inline __attribute__((always_inline)) void forward_rows(int activation, const glu_context *c, int64_t from, int64_t to, glu_room room) {
  const int64_t width = c->width;
  for (int64_t row = from; row < to; row++) {
    const float *a = mb_as_f32(c->x, c->dtype, row * 2 * width, 2 * width, room.x), *gate = a + width;
    float *y = mb_f32_room(c->y, c->dtype, row * width, room.y);
    int64_t i = 0;
    for (; i + VL <= width; i += VL) v_store(y + i, activate(activation, v_load(a + i)).value * v_load(gate + i));
    const int64_t n = width - i;
    if (n > 0) v_store_n(y + i, activate(activation, v_load_n(a + i, n)).value * v_load_n(gate + i, n), n);
    mb_put_f32(y, width, c->y, c->dtype, row * width);
  }
}

static inline __attribute__((always_inline)) void backward_rows(int activation, const glu_context *c, int64_t from, int64_t to, glu_room room) {
  const int64_t width = c->width;
  for (int64_t row = from; row < to; row++) {
    const float *a = mb_as_f32(c->x, c->dtype, row * 2 * width, 2 * width, room.x), *gate = a + width;
    const float *grad = mb_as_f32(c->grad_y, c->dtype, row * width, width, room.y);
    float *grad_a = mb_f32_room(c->grad_x, c->dtype, row * 2 * width, room.grad_x), *grad_gate = grad_a + width;
    for (int64_t i = 0; i < width; i += VL) {
      const int64_t n = MB_MIN(VL, width - i);
      const activated f = activate(activation, v_load_n(a + i, n));
      const vf g = v_load_n(grad + i, n);
      v_store_n(grad_a + i, g * v_load_n(gate + i, n) * f.slope, n);
      v_store_n(grad_gate + i, g * f.value, n);
    }
    mb_put_f32(grad_a, 2 * width, c->grad_x, c->dtype, row * 2 * width);
  }
}

#define BODY(activation, name, pass)                                                                                                         \
  static void pass##_##name(void *context, int64_t task, int worker) {                                                                       \
    const glu_context *c = context;                                                                                                          \
    pass##_rows(activation, c, task * c->rows_per_task, MB_MIN(c->rows, (task + 1) * c->rows_per_task), room_of(c, worker));                 \
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
