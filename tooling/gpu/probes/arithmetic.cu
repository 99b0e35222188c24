/* Conversions and arithmetic that must be the same to the bit: rounding, subnormals, infinities, NaN. */
#include "base/convert.h"
#include "probe.h"
#include "simt/arithmetic.h"

constexpr int inputs = 16384, threads = 128;

/* Any float; a fourth of them near the limits of f16, where its rounding is hardest. */
static __device__ float float_at(uint32_t i) {
  const uint32_t bits = scrambled(i);
  return i % 4 == 0 ? float_of((bits & 0x807fffff) | (103 + bits / 0x800000 % 42) << 23) : float_of(bits);
}

/* NaN has many forms; any of them is one word here. */
static __device__ uint32_t word_of(float value) { return value != value ? 0x7fc00000 : bits_of(value); }

#define EACH(id, name, expression)                                                        \
  static __global__ void id##_kernel(uint32_t *out) {                                     \
    const uint32_t i = blockIdx.x * threads + threadIdx.x;                                \
    const float a = float_at(i), b = float_at(i + 7919);                                  \
    (void)a, (void)b;                                                                     \
    out[i] = expression;                                                                  \
  }                                                                                       \
  MB_PROBE(id, name, inputs, launch(id##_kernel, inputs / threads, threads, nullptr, device))

EACH(to_bf16, "f32 to bf16", bf16_of_f32(a));
EACH(to_f16, "f32 to f16", f16_of_f32(a));
EACH(from_f16, "f16 to f32", word_of(f32_of_f16((uint16_t)i)));
EACH(to_odd, "f64 to the f32 that rounds like it", word_of(f32_to_odd((double)a * (1 + (double)i * 0x1p-40))));
EACH(to_i32, "f64 to i32", (uint32_t)i32_of_f64((double)a));
EACH(to_u32, "f64 to u32", u32_of_f64((double)a));
EACH(high, "umulhi", __umulhi(scrambled(i), scrambled(i + 1)));
EACH(divide, "division", word_of(a / b));
EACH(root, "square root", word_of(sqrtf(a)));
EACH(nearest, "rintf", word_of(rintf(a)));
EACH(below, "floorf", word_of(floorf(a)));
EACH(product, "a product of f64", word_of((float)__dmul_rn((double)a, (double)b)));
EACH(total, "a sum of f64", word_of((float)__dadd_rn((double)a, (double)b)));
EACH(separate, "a product and a sum apart", word_of(__fadd_rn(__fmul_rn(a, b), a)));
EACH(bytes, "products of bytes", (uint32_t)__dp4a((int)scrambled(i), (int)scrambled(i + 1), (int)i));
