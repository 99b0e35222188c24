/* The kernels of one instruction set, in the order of MB_OPERATIONS. */
#include "base/command.h"
#include "base/operations.h"

#define DECLARE(name) void MB_FN(mb_op_##name)(const mb_view *, const double *);
MB_OPERATIONS(DECLARE)

#define ENTRY(name) MB_FN(mb_op_##name),
const mb_kernel MB_FN(mb_kernels)[] = {MB_OPERATIONS(ENTRY)};
