#include "base/convert.h"

#include "base/parallel.h"

static void f32_of_f16_run(const uint16_t *from, int64_t n, float *to) {
  int64_t i = 0;
#if defined(__F16C__)
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + i))));
#endif
  for (; i < n; i++) to[i] = mb_f32_of_f16(from[i]);
}

static void f16_of_f32_run(const float *from, int64_t n, uint16_t *to) {
  int64_t i = 0;
#if defined(__F16C__)
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128((__m128i *)(to + i), _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
#endif
  for (; i < n; i++) to[i] = mb_f16_of_f32(from[i]);
}

#define RUN(expression) \
  for (int64_t i = 0; i < n; i++) to[i] = expression

void MB_FN(mb_to_f32)(const void *data, int32_t dtype, int64_t n, float *to) {
  switch (dtype) {
    case MB_F32: memcpy(to, data, (size_t)n * 4); break;
    case MB_F16: f32_of_f16_run(data, n, to); break;
    case MB_BF16: { const uint16_t *from = data; RUN(mb_f32_of_bf16(from[i])); } break;
    case MB_F64: { const double *from = data; RUN((float)from[i]); } break;
    case MB_I32: { const int32_t *from = data; RUN((float)from[i]); } break;
    default: { const uint32_t *from = data; RUN((float)from[i]); }
  }
}

void MB_FN(mb_from_f32)(const float *from, int64_t n, void *data, int32_t dtype) {
  switch (dtype) {
    case MB_F32: memcpy(data, from, (size_t)n * 4); break;
    case MB_F16: f16_of_f32_run(from, n, data); break;
    case MB_BF16: { uint16_t *to = data; RUN(mb_bf16_of_f32(from[i])); } break;
    case MB_F64: { double *to = data; RUN(from[i]); } break;
    case MB_I32: { int32_t *to = data; RUN(mb_i32_of_f64(from[i])); } break;
    default: { uint32_t *to = data; RUN(mb_u32_of_f64(from[i])); }
  }
}

void MB_FN(mb_to_f64)(const void *data, int32_t dtype, int64_t n, double *to) {
  switch (dtype) {
    case MB_F32: { const float *from = data; RUN(from[i]); } break;
    case MB_F16: { const uint16_t *from = data; RUN(mb_f32_of_f16(from[i])); } break;
    case MB_BF16: { const uint16_t *from = data; RUN(mb_f32_of_bf16(from[i])); } break;
    case MB_F64: memcpy(to, data, (size_t)n * 8); break;
    case MB_I32: { const int32_t *from = data; RUN(from[i]); } break;
    default: { const uint32_t *from = data; RUN(from[i]); }
  }
}

void MB_FN(mb_from_f64)(const double *from, int64_t n, void *data, int32_t dtype) {
  switch (dtype) {
    case MB_F32: { float *to = data; RUN((float)from[i]); } break;
    case MB_F16: { uint16_t *to = data; RUN(mb_f16_of_f32(mb_f32_to_odd(from[i]))); } break;
    case MB_BF16: { uint16_t *to = data; RUN(mb_bf16_of_f32(mb_f32_to_odd(from[i]))); } break;
    case MB_F64: memcpy(data, from, (size_t)n * 8); break;
    case MB_I32: { int32_t *to = data; RUN(mb_i32_of_f64(from[i])); } break;
    default: { uint32_t *to = data; RUN(mb_u32_of_f64(from[i])); }
  }
}

typedef struct {
  const char *from;
  int32_t dtype;
  int64_t width;
  float *to;
} widen_context;

static void widen_task(void *opaque, int64_t row, int worker) {
  (void)worker;
  const widen_context *c = opaque;
  MB_FN(mb_to_f32)(c->from + row * c->width * mb_bytes_of(c->dtype), c->dtype, c->width, c->to + row * c->width);
}

void MB_FN(mb_widen_rows)(const void *from, int32_t dtype, int64_t rows, int64_t width, float *to) {
  mb_parallel(rows, widen_task, &(widen_context){from, dtype, width, to});
}
