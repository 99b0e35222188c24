/* Sums and maxima in the order of ranks. */
#ifndef MB_REDUCE_H
#define MB_REDUCE_H

#include <stdint.h>

#include "kit/command.h"

enum { MB_SUM, MB_MAX };

/* parts [world, stride bytes] of `size` elements each → output. */
void mb_reduce_parts(int32_t dtype, int kind, const char *parts, int64_t stride, int32_t world, void *output, int64_t size);

static inline int64_t mb_bytes_of(int32_t dtype) { return dtype == MB_F64 ? 8 : dtype == MB_F16 || dtype == MB_BF16 ? 2 : 4; }

#endif
