/* `map` in f64: the same C texts over single doubles and libm. Exact rather than fast: f64 serves as the oracle. */
#include <math.h>
#include <stdint.h>

#include "scalar_functions.h"

#define v_abs fabs
#define v_exp exp
#define v_log log
#define v_sqrt sqrt
#define v_tanh tanh
#define v_erf erf
#define v_sin sin
#define v_cos cos
#define v_floor floor
#define v_round rint
#define v_isfinite(a) (isfinite(a) ? 1.0 : 0.0)
#define v_max(a, b) ((a) != (a) || (a) > (b) ? (a) : (b))
#define v_min(a, b) ((a) != (a) || (a) < (b) ? (a) : (b))
#define v_less(a, b) ((a) < (b) ? 1.0 : 0.0)
#define v_less_equal(a, b) ((a) <= (b) ? 1.0 : 0.0)
#define v_equal(a, b) ((a) == (b) ? 1.0 : 0.0)
#define v_select(a, b, c) ((a) != 0 ? (b) : (c))

#define REAL double
#define STEP 1
#define TYPED(name) name##_f64
#define TYPED_DTYPE MB_F64
#define TYPED_LOAD MB_FN(mb_load_f64)
#define TYPED_STORE MB_FN(mb_store_f64)

typedef struct {
  const double *data;
  int64_t advance;
} operand;

typedef void (*function)(int64_t n, double *target, operand x, operand y, operand z);

#define DEFINE(name, arity, text)                                                                            \
  static void call_##name(int64_t n, double *target, operand x, operand y, operand z) {                      \
    for (int64_t i = 0; i < n; i++) {                                                                        \
      const double a = x.data[i * x.advance], b = arity > 1 ? y.data[i * y.advance] : a, c = arity > 2 ? z.data[i * z.advance] : a; \
      (void)b, (void)c;                                                                                      \
      target[i] = text;                                                                                      \
    }                                                                                                        \
  }
MB_SCALAR_FUNCTIONS(DEFINE)

#define ENTRY(name, arity, text) call_##name,
static const function functions[] = {MB_SCALAR_FUNCTIONS(ENTRY)};

#include "kernels/map_interpreter.h"
