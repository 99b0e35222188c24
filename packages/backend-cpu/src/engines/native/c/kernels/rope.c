/* Rotary position embedding by halves (NeoX): (a, b) → (a·cos - b·sin, b·cos + a·sin) for q and k, v copied.
 * The backward is the same rotation by the opposite angle. */
#include "base/command.h"
#include "base/parallel.h"
#include "simd/simd.h"

#define TOKENS_PER_TASK 16

typedef struct {
  int64_t tokens, heads, half, positions;
  const float *x, *cos, *sin;
  const int32_t *position;
  float *out, sign;
} rope_context;

static void rope_body(void *context, int64_t index, int worker) {
  (void)worker;
  const rope_context *c = context;
  const int64_t half = c->half, row = 3 * c->heads * 2 * half, end = MB_MIN(c->tokens, (index + 1) * TOKENS_PER_TASK);
  for (int64_t token = index * TOKENS_PER_TASK; token < end; token++) {
    const float *x = c->x + token * row;
    float *out = c->out + token * row;
    const int64_t position = c->position[token];
    if (position < 0 || position >= c->positions) {
      mb_value_error("rope", "expected positions in 0..%lld, got %lld", (long long)c->positions - 1, (long long)position);
      memset(out, 0, sizeof(float) * (size_t)row);
      continue;
    }
    const float *cos = c->cos + position * half, *sin = c->sin + position * half;
    for (int64_t head = 0; head < 2 * c->heads; head++, x += 2 * half, out += 2 * half)
      for (int64_t d = 0; d < half; d += VL) {
        const int64_t n = MB_MIN(VL, half - d);
        const vf a = v_load_n(x + d, n), b = v_load_n(x + half + d, n);
        const vf cosine = v_load_n(cos + d, n), sine = c->sign * v_load_n(sin + d, n);
        v_store_n(out + d, a * cosine - b * sine, n);
        v_store_n(out + half + d, b * cosine + a * sine, n);
      }
    memcpy(out, x, sizeof(float) * (size_t)(row / 3));
  }
}

/* views: out [T, 3, H, D], x [T, 3, H, D], cos [P, D/2], sin [P, D/2], positions [T]; attributes: 1 forward, -1 backward. */
void MB_FN(mb_op_rope)(const mb_view *views, const double *attributes) {
  const mb_view *x = &views[1];
  rope_context context = {.tokens = x->shape[0], .heads = x->shape[2], .half = x->shape[3] / 2, .positions = views[2].shape[0]};
  context.out = views[0].data, context.x = x->data, context.cos = views[2].data, context.sin = views[3].data;
  context.position = views[4].data, context.sign = (float)attributes[0];
  mb_parallel((context.tokens + TOKENS_PER_TASK - 1) / TOKENS_PER_TASK, rope_body, &context);
}
