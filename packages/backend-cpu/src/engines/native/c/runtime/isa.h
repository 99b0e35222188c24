/* Which instruction sets this library holds and this machine has. */
#ifndef MB_ISA_H
#define MB_ISA_H

#include "base/command.h"
#include "runtime/api.h"

/* The kernels of instruction set `index` (as in mb_isa_name). */
const mb_kernel *mb_isa_kernels(int32_t index);

/* Whether the processor adds products of pairs of bf16 (simd/bf16.h), tiles apart. */
int mb_has_bf16_pairs(void);

/* The inverse of mb_operation. */
const char *mb_operation_name(int32_t operation);

#endif
