/* Rotary position embedding by halves (NeoX): (a, b) → (a·cos - b·sin, b·cos + a·sin) for q and k, v copied.
 * The backward is the same rotation by the opposite angle. */
#include "base/convert.h"
#include "base/parallel.h"
#include "simd/simd.h"

#define TOKENS_PER_TASK 16

typedef struct {
  int64_t tokens, heads, half, positions;
  int32_t dtype; /* of x and out */
  const void *x;
  const float *cos, *sin;
  const int32_t *position;
  void *out;
  float sign;
} rope_context;

static inline __attribute__((always_inline)) void turn(int32_t dtype, const rope_context *c, int64_t from, int64_t to) {
  const int64_t half = c->half, heads = 2 * c->heads, turned = heads * 2 * half, row = turned / 2 * 3, bytes = mb_bytes_of(dtype);
  for (int64_t token = from; token < to; token++) {
    const char *x = (const char *)c->x + token * row * bytes;
    char *out = (char *)c->out + token * row * bytes;
    const int64_t position = c->position[token];
    if (position < 0 || position >= c->positions) {
      mb_value_error("rope", "expected positions in 0..%lld, got %lld", (long long)c->positions - 1, (long long)position);
      memset(out, 0, (size_t)(row * bytes));
      continue;
    }
    const float *cos = c->cos + position * half, *sin = c->sin + position * half;
    for (int64_t at = 0; at < turned; at += 2 * half)
      for (int64_t d = 0; d < half; d += VL) {
        const int64_t n = MB_MIN(VL, half - d);
        const vf a = mb_load_float(dtype, x, at + d, n), b = mb_load_float(dtype, x, at + half + d, n);
        const vf cosine = v_load_n(cos + d, n), sine = c->sign * v_load_n(sin + d, n);
        mb_store_float(dtype, out, at + d, a * cosine - b * sine, n);
        mb_store_float(dtype, out, at + half + d, b * cosine + a * sine, n);
      }
    memcpy(out + turned * bytes, x + turned * bytes, (size_t)((row - turned) * bytes));
  }
}

static void rope_body(void *context, int64_t index, int worker) {
  (void)worker;
  const rope_context *c = context;
  const int64_t from = index * TOKENS_PER_TASK, to = MB_MIN(c->tokens, from + TOKENS_PER_TASK);
  MB_BY_FLOAT(c->dtype, DTYPE, turn(DTYPE, c, from, to))
}

/* views: out [T, 3, H, D], x [T, 3, H, D], cos [P, D/2], sin [P, D/2], positions [T]; out and x in one float dtype; attributes: 1 forward, -1 backward. */
void MB_FN(mb_op_rope)(const mb_view *views, const double *attributes) {
  const mb_view *x = &views[1];
  rope_context context = {.tokens = x->shape[0], .heads = x->shape[2], .half = x->shape[3] / 2, .positions = views[2].shape[0]};
  context.dtype = x->dtype, context.out = views[0].data, context.x = x->data, context.cos = views[2].data, context.sin = views[3].data;
  context.position = views[4].data, context.sign = (float)attributes[0];
  mb_parallel(mb_ceil_div(context.tokens, TOKENS_PER_TASK), rope_body, &context);
}
