/* Measures the errors that src/engines/native/c/simd/math.h states, over every f32, against the C library in double precision:
 *
 *   gcc -std=gnu11 -O3 -fno-math-errno -ffp-contract=fast -fno-trapping-math -mavx2 -mfma -I src/engines/native/c check/simd_math.c -o /tmp/simd_math -lm
 *   /tmp/simd_math [stride between the floats that are tried, default 1: some minutes]
 *
 * Without -mavx2 -mfma it measures the build without FMA. Exits with 1 when a bound does not hold. */
#include <stdio.h>
#include <stdlib.h>

#include "simd/simd.h"

typedef struct {
  const char *name;
  vf (*ours)(vf);
  double (*exact)(double);
  float from, to;
  double ulps, absolute; /* the bound: one of them, the other 0 */
} function;

static double ulp_of(double value) {
  int exponent;
  frexp(fmax(fabs(value), 0x1p-126), &exponent);
  return ldexp(1, exponent - 24);
}

/* In units of the bound's kind; infinite where only one of them is finite or NaN. */
static double error_of(const function *f, float got, double exact) {
  const float rounded = (float)exact;
  if (rounded != rounded) return got != got ? 0 : INFINITY;
  if (isinf(rounded) || isinf(got)) return got == rounded ? 0 : INFINITY;
  return fabs(got - exact) / (f->ulps > 0 ? ulp_of(exact) : 1);
}

int main(int count, char **arguments) {
  const uint64_t stride = count > 1 ? strtoull(arguments[1], NULL, 10) : 1;
  const function functions[] = {
      {"exp", v_exp, exp, -INFINITY, INFINITY, 1.1, 0},   {"exp2 negative", v_exp2_negative, exp2, -126, 0, 1.3, 0},
      {"log", v_log, log, 0, INFINITY, 0.9, 0},           {"erf", v_erf, erf, -INFINITY, INFINITY, 1.9, 0},
      {"tanh", v_tanh, tanh, -INFINITY, INFINITY, 1.4, 0}, {"sin", v_sin, sin, -3, 3, 1.4, 0},
      {"cos", v_cos, cos, -1e4f, 1e4f, 0, 9e-8},          {"sin", v_sin, sin, -1e4f, 1e4f, 0, 9e-8},
      {"floor", v_floor, floor, -INFINITY, INFINITY, 1e-9, 0},
      {"round", v_round, rint, -INFINITY, INFINITY, 1e-9, 0},
  };
  int failed = 0;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    const function *f = &functions[i];
    double worst = 0;
    float at = 0;
    for (uint64_t first = 0; first <= UINT32_MAX; first += stride * VL) {
      float x[VL], y[VL];
      for (int lane = 0; lane < VL; lane++) {
        const uint32_t bits = (uint32_t)(first + stride * lane);
        memcpy(&x[lane], &bits, sizeof bits);
      }
      v_store(y, f->ours(v_load(x)));
      for (int lane = 0; lane < VL; lane++) {
        if (!(x[lane] >= f->from && x[lane] <= f->to)) continue;
        const double error = error_of(f, y[lane], f->exact(x[lane]));
        if (error > worst) worst = error, at = x[lane];
      }
    }
    const double bound = f->ulps > 0 ? f->ulps : f->absolute;
    failed |= worst > bound;
    printf("%-14s worst %.3g %s at %.9g, bound %.2g%s\n", f->name, worst, f->ulps > 0 ? "ulp" : "absolute", at, bound,
           worst > bound ? "  FAILED" : "");
  }
  return failed;
}
