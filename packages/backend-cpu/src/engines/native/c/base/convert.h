/* Conversions between dtypes, of one element and of contiguous runs.
 *
 * Floats round to nearest even. Floats become integers by truncation; what does not fit wraps as in JavaScript's typed arrays, NaN
 * becomes 0. f32 is the intermediate of f16 and bf16, f64 of everything else, so no value is rounded twice. */
#ifndef MB_CONVERT_H
#define MB_CONVERT_H

#include <math.h>

#include "base/command.h"
#include "simd/bf16.h"

static inline uint32_t mb_float_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

static inline float mb_bits_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

static inline float mb_f32_of_bf16(uint16_t bits) { return mb_bits_float((uint32_t)bits << 16); }

static inline uint16_t mb_bf16_of_f32(float value) {
  const uint32_t bits = mb_float_bits(value);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return (uint16_t)(value != value ? 0x7fc0 : rounded);
}

static inline float mb_f32_of_f16(uint16_t bits) {
  const uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
  const uint32_t magnitude = (uint32_t)(bits & 0x7fff) << 13;
  if (magnitude >= 0x0f800000) return mb_bits_float(sign | 0x70000000 | magnitude); /* infinity, NaN */
  const float value = mb_bits_float(magnitude) * 0x1p112f;                         /* exponent bias 15 → 127, subnormals too */
  return mb_bits_float(sign | mb_float_bits(value));
}

static inline uint16_t mb_f16_of_f32(float value) {
  const uint32_t bits = mb_float_bits(value);
  const uint16_t sign = (uint16_t)((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00; /* rounds to 65536 or more */
  if (magnitude < 0x38800000) {                      /* subnormal: the sum's last place is 2^-24 */
    const float shifted = mb_bits_float(magnitude) + 0.5f;
    return sign | (uint16_t)(mb_float_bits(shifted) - mb_float_bits(0.5f));
  }
  return sign | (uint16_t)((magnitude + 0x0fff + ((magnitude >> 13) & 1) - 0x38000000) >> 13);
}

/* The f32 next to `value` that rounds to 16 bits as `value` does: truncated, with the last bit set where something was lost. */
static inline float mb_f32_to_odd(double value) {
  const float nearest = (float)value;
  if ((double)nearest == value || value != value) return nearest;
  uint32_t bits = mb_float_bits(nearest);
  if (fabs((double)nearest) > fabs(value)) bits--;
  return mb_bits_float(bits | 1);
}

static inline int32_t mb_i32_of_f64(double value) {
  if (!(fabs(value) < 0x1p63)) return 0;
  return (int32_t)(uint32_t)(uint64_t)(int64_t)value;
}

static inline uint32_t mb_u32_of_f64(double value) { return (uint32_t)mb_i32_of_f64(value); }

static inline double mb_load_element(const void *at, int32_t dtype) {
  switch (dtype) {
    case MB_F32: return *(const float *)at;
    case MB_F16: return mb_f32_of_f16(*(const uint16_t *)at);
    case MB_BF16: return mb_f32_of_bf16(*(const uint16_t *)at);
    case MB_F64: return *(const double *)at;
    case MB_I32: return *(const int32_t *)at;
    default: return *(const uint32_t *)at;
  }
}

static inline void mb_store_element(void *at, int32_t dtype, double value) {
  switch (dtype) {
    case MB_F32: *(float *)at = (float)value; break;
    case MB_F16: *(uint16_t *)at = mb_f16_of_f32(mb_f32_to_odd(value)); break;
    case MB_BF16: *(uint16_t *)at = mb_bf16_of_f32(mb_f32_to_odd(value)); break;
    case MB_F64: *(double *)at = value; break;
    case MB_I32: *(int32_t *)at = mb_i32_of_f64(value); break;
    default: *(uint32_t *)at = mb_u32_of_f64(value);
  }
}

/* Contiguous runs of n elements (base/convert.c). */
void MB_FN(mb_to_f32)(const void *from, int32_t dtype, int64_t n, float *to);
void MB_FN(mb_from_f32)(const float *from, int64_t n, void *to, int32_t dtype);
void MB_FN(mb_to_f64)(const void *from, int32_t dtype, int64_t n, double *to);
void MB_FN(mb_from_f64)(const double *from, int64_t n, void *to, int32_t dtype);

/* `rows` dense rows of `width` elements in f32, on all workers; call it outside of tasks. */
void MB_FN(mb_widen_rows)(const void *from, int32_t dtype, int64_t rows, int64_t width, float *to);

/* Elements at … at+n-1 of f32, bf16 or f16, VL at most; zeros behind them. `dtype` is a constant, so that nothing but the load is left. */
static inline __attribute__((always_inline)) vf mb_load_float(int32_t dtype, const void *from, int64_t at, int64_t n) {
  if (dtype == MB_F32) return n == VL ? v_load((const float *)from + at) : v_load_n((const float *)from + at, n);
  const v_halves halves = v_load_packed((const uint16_t *)from + at, n);
  if (dtype == MB_BF16) return (vf)(__builtin_convertvector(halves, vu) << 16);
#if defined(__AVX512F__)
  return (vf)_mm512_cvtph_ps((__m256i)halves);
#elif defined(__F16C__)
  return (vf)_mm256_cvtph_ps((__m128i)halves);
#else
  vf wide;
  for (int i = 0; i < VL; i++) wide[i] = mb_f32_of_f16(halves[i]);
  return wide;
#endif
}

/* The first n lanes (0 ≤ n ≤ VL) as such elements, rounded. */
static inline __attribute__((always_inline)) void mb_store_float(int32_t dtype, void *to, int64_t at, vf value, int64_t n) {
  if (dtype == MB_F32) v_store_n((float *)to + at, value, n);
  else if (dtype == MB_BF16) v_store_bf16((uint16_t *)to + at, value, n);
  else {
#if defined(__AVX512F__)
    const v_halves halves = (v_halves)_mm512_cvtps_ph((__m512)value, _MM_FROUND_TO_NEAREST_INT);
#elif defined(__F16C__)
    const v_halves halves = (v_halves)_mm256_cvtps_ph((__m256)value, _MM_FROUND_TO_NEAREST_INT);
#else
    v_halves halves;
    for (int i = 0; i < VL; i++) halves[i] = mb_f16_of_f32(value[i]);
#endif
    v_store_halves((uint16_t *)to + at, halves, n);
  }
}

/* The statement with a constant `NAME` of the value of `dtype`: f32, bf16 or f16. */
#define MB_BY_FLOAT(dtype, NAME, ...)                              \
  switch (dtype) {                                                 \
    case MB_F32: { enum { NAME = MB_F32 }; __VA_ARGS__; } break;   \
    case MB_BF16: { enum { NAME = MB_BF16 }; __VA_ARGS__; } break; \
    default: { enum { NAME = MB_F16 }; __VA_ARGS__; }              \
  }

/* Elements at … at+n-1 as f32: where they lie, or converted into `room`. */
static inline const float *mb_as_f32(const void *data, int32_t dtype, int64_t at, int64_t n, float *room) {
  if (dtype == MB_F32) return (const float *)data + at;
  MB_FN(mb_to_f32)((const char *)data + at * mb_bytes_of(dtype), dtype, n, room);
  return room;
}

/* Where a kernel writes n elements in f32 that belong at `at`: there, or into `room`, which mb_put_f32 then brings there. */
static inline float *mb_f32_room(void *data, int32_t dtype, int64_t at, float *room) { return dtype == MB_F32 ? (float *)data + at : room; }

static inline void mb_put_f32(const float *values, int64_t n, void *data, int32_t dtype, int64_t at) {
  if (dtype != MB_F32) MB_FN(mb_from_f32)(values, n, (char *)data + at * mb_bytes_of(dtype), dtype);
}

#endif
