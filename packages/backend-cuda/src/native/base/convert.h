/* Elements of views as f32, and as f64 where whole numbers must stay exact. A GPU has instructions for what is spelled out for the CPU.
 *
 * Floats round to nearest even, once. Floats become integers by truncation; NaN becomes 0, what does not fit the nearest that does. */
#ifndef MB_CONVERT_H
#define MB_CONVERT_H

#include "kit/command.h"
#include "simt/simt.h"

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

MB_CLOSE uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

MB_CLOSE float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

MB_CLOSE float f32_of_bf16(uint16_t bits) { return float_of((uint32_t)bits << 16); }

MB_CLOSE uint16_t bf16_of_f32(float value) {
#ifdef __CUDA_ARCH__
  return __bfloat16_as_ushort(__float2bfloat16_rn(value));
#endif
  const uint32_t bits = bits_of(value);
  return value != value ? 0x7fc0 : (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

MB_CLOSE float f32_of_f16(uint16_t bits) {
#ifdef __CUDA_ARCH__
  return __half2float(__ushort_as_half(bits));
#endif
  const uint32_t sign = (uint32_t)(bits & 0x8000) << 16, magnitude = (uint32_t)(bits & 0x7fff) << 13;
  if (magnitude >= 0x0f800000) return float_of(sign | 0x70000000 | magnitude); /* infinity, NaN */
  return float_of(sign | bits_of(float_of(magnitude) * 0x1p112f));            /* the exponent's bias from 15 to 127 */
}

MB_CLOSE uint16_t f16_of_f32(float value) {
#ifdef __CUDA_ARCH__
  return __half_as_ushort(__float2half_rn(value));
#endif
  const uint32_t bits = bits_of(value), magnitude = bits & 0x7fffffff;
  const uint16_t sign = (uint16_t)((bits >> 16) & 0x8000);
  if (magnitude > 0x7f800000) return 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00; /* rounds to 65536 or more */
  if (magnitude < 0x38800000)                        /* subnormal: the last place of the sum is 2^-24 */
    return sign | (uint16_t)(bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f));
  return sign | (uint16_t)((magnitude + 0x0fff + ((magnitude >> 13) & 1) - 0x38000000) >> 13);
}

/* The f32 next to `value` that rounds to 16 bits as `value` does. */
MB_CLOSE float f32_to_odd(double value) {
  const float nearest = (float)value;
  if ((double)nearest == value || value != value) return nearest;
  const uint32_t bits = bits_of(nearest);
  return float_of((fabs((double)nearest) > fabs(value) ? bits - 1 : bits) | 1);
}

MB_CLOSE int32_t i32_of_f64(double value) {
  if (value != value) return 0;
  return value <= -0x1p31 ? INT32_MIN : value >= 0x1p31 - 1 ? INT32_MAX : (int32_t)value;
}

MB_CLOSE uint32_t u32_of_f64(double value) {
  if (!(value > -1)) return value != value ? 0 : (uint32_t)i32_of_f64(value); /* as the bits of an i32 */
  return value >= 0x1p32 - 1 ? UINT32_MAX : (uint32_t)value;
}

MB_CLOSE bool is_float(int32_t dtype) { return dtype <= MB_BF16; }
MB_CLOSE int bytes_of(int32_t dtype) { return dtype == MB_F16 || dtype == MB_BF16 ? 2 : 4; }

/* Element `at` of `data`. */
MB_CLOSE float load_f32(const void *data, int32_t dtype, int64_t at) {
  switch (dtype) {
    case MB_F32: return ((const float *)data)[at];
    case MB_F16: return f32_of_f16(((const uint16_t *)data)[at]);
    case MB_BF16: return f32_of_bf16(((const uint16_t *)data)[at]);
    case MB_I32: return (float)((const int32_t *)data)[at];
    default: return (float)((const uint32_t *)data)[at];
  }
}

MB_CLOSE double load_f64(const void *data, int32_t dtype, int64_t at) {
  switch (dtype) {
    case MB_I32: return ((const int32_t *)data)[at];
    case MB_U32: return ((const uint32_t *)data)[at];
    default: return load_f32(data, dtype, at);
  }
}

MB_CLOSE void store_f32(void *data, int32_t dtype, int64_t at, float value) {
  switch (dtype) {
    case MB_F32: ((float *)data)[at] = value; break;
    case MB_F16: ((uint16_t *)data)[at] = f16_of_f32(value); break;
    case MB_BF16: ((uint16_t *)data)[at] = bf16_of_f32(value); break;
    case MB_I32: ((int32_t *)data)[at] = i32_of_f64(value); break;
    default: ((uint32_t *)data)[at] = u32_of_f64(value);
  }
}

MB_CLOSE void store_f64(void *data, int32_t dtype, int64_t at, double value) {
  switch (dtype) {
    case MB_F32: ((float *)data)[at] = (float)value; break;
    case MB_I32: ((int32_t *)data)[at] = i32_of_f64(value); break;
    case MB_U32: ((uint32_t *)data)[at] = u32_of_f64(value); break;
    default: store_f32(data, dtype, at, f32_to_odd(value));
  }
}

#endif
