#include "reduce.h"

#include <string.h>

/* A maximum with a NaN is NaN. */
#define REDUCE(type, is_nan)                                                                       \
  static void reduce_##type(int kind, type *restrict sum, const type *restrict other, int64_t n) { \
    if (kind == MB_SUM)                                                                            \
      for (int64_t i = 0; i < n; i++) sum[i] += other[i];                                          \
    else                                                                                           \
      for (int64_t i = 0; i < n; i++) sum[i] = sum[i] > other[i] || is_nan ? sum[i] : other[i];    \
  }

REDUCE(float, sum[i] != sum[i])
REDUCE(double, sum[i] != sum[i])
REDUCE(int32_t, 0)
REDUCE(uint32_t, 0)

void mb_reduce_parts(int32_t dtype, int kind, const char *parts, int64_t stride, int32_t world, void *output, int64_t size) {
  memcpy(output, parts, (size_t)(size * mb_bytes_of(dtype)));
  for (int32_t rank = 1; rank < world; rank++) {
    const void *other = parts + rank * stride;
    switch (dtype) {
      case MB_F32: reduce_float(kind, output, other, size); break;
      case MB_F64: reduce_double(kind, output, other, size); break;
      case MB_I32: reduce_int32_t(kind, output, other, size); break;
      default: reduce_uint32_t(kind, output, other, size);
    }
  }
}
