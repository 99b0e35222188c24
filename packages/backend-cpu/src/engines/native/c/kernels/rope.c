/* Rotary position embedding by halves (NeoX): (a, b) → (a·cos - b·sin, b·cos + a·sin) for q and k, v copied.
 * The backward is the same rotation by the opposite angle. Numbers of 16 bits are widened token by token. */
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

static void rope_body(void *context, int64_t index, int worker) {
  const rope_context *c = context;
  const int64_t half = c->half, turned = 2 * c->heads * 2 * half, row = turned / 2 * 3, bytes = mb_bytes_of(c->dtype), end = MB_MIN(c->tokens, (index + 1) * TOKENS_PER_TASK);
  float *room = c->dtype == MB_F32 ? NULL : mb_scratch(worker, MB_SLOT_CONVERT, sizeof(float) * (size_t)turned);
  for (int64_t token = index * TOKENS_PER_TASK; token < end; token++) {
    const char *from = (const char *)c->x + token * row * bytes;
    char *to = (char *)c->out + token * row * bytes;
    const int64_t position = c->position[token];
    if (position < 0 || position >= c->positions) {
      mb_value_error("rope", "expected positions in 0..%lld, got %lld", (long long)c->positions - 1, (long long)position);
      memset(to, 0, (size_t)(row * bytes));
      continue;
    }
    const float *x = mb_as_f32(from, c->dtype, 0, turned, room);
    float *out = mb_f32_room(to, c->dtype, 0, room);
    const float *cos = c->cos + position * half, *sin = c->sin + position * half;
    for (int64_t head = 0; head < 2 * c->heads; head++, x += 2 * half, out += 2 * half)
      for (int64_t d = 0; d < half; d += VL) {
        const int64_t n = MB_MIN(VL, half - d);
        const vf a = v_load_n(x + d, n), b = v_load_n(x + half + d, n);
        const vf cosine = v_load_n(cos + d, n), sine = c->sign * v_load_n(sin + d, n);
        v_store_n(out + d, a * cosine - b * sine, n);
        v_store_n(out + half + d, b * cosine + a * sine, n);
      }
    mb_put_f32(room, turned, to, c->dtype, 0);
    memcpy(to + turned * bytes, from + turned * bytes, (size_t)((row - turned) * bytes));
  }
}

/* views: out [T, 3, H, D], x [T, 3, H, D], cos [P, D/2], sin [P, D/2], positions [T]; out and x in one float dtype; attributes: 1 forward, -1 backward. */
void MB_FN(mb_op_rope)(const mb_view *views, const double *attributes) {
  const mb_view *x = &views[1];
  rope_context context = {.tokens = x->shape[0], .heads = x->shape[2], .half = x->shape[3] / 2, .positions = views[2].shape[0]};
  context.dtype = x->dtype, context.out = views[0].data, context.x = x->data, context.cos = views[2].data, context.sin = views[3].data;
  context.position = views[4].data, context.sign = (float)attributes[0];
  mb_parallel(mb_ceil_div(context.tokens, TOKENS_PER_TASK), rope_body, &context);
}
