/* `map` in f32: the scalar table's C texts over SIMD vectors. */
#include "scalar_functions.h"
#include "simd/simd.h"

#define REAL float
#define STEP VL
#define TYPED(name) name##_f32
#define TYPED_DTYPE MB_F32
#define TYPED_LOAD MB_FN(mb_load_f32)
#define TYPED_STORE MB_FN(mb_store_f32)

typedef struct {
  const float *data;
  int64_t advance;
} operand;

typedef void (*function)(int64_t n, float *target, operand x, operand y, operand z);

#define DEFINE(name, arity, text)                                                                          \
  static void call_##name(int64_t n, float *target, operand x, operand y, operand z) {                     \
    for (int64_t i = 0; i < n; i += VL) {                                                                  \
      const vf a = v_load(x.data), b = arity > 1 ? v_load(y.data) : a, c = arity > 2 ? v_load(z.data) : a; \
      (void)b, (void)c;                                                                                    \
      v_store(target + i, text);                                                                           \
      x.data += VL * x.advance;                                                                            \
      y.data += VL * y.advance;                                                                            \
      z.data += VL * z.advance;                                                                            \
    }                                                                                                      \
  }
MB_SCALAR_FUNCTIONS(DEFINE)

#define ENTRY(name, arity, text) call_##name,
static const function functions[] = {MB_SCALAR_FUNCTIONS(ENTRY)};

#include "kernels/map_interpreter.h"
