/* What this library exports beside the functions of streams (kit/stream_api.h). node_functions.c hands it to JavaScript (native/library.ts). */
#ifndef MB_API_H
#define MB_API_H

#include "kit/stream_api.h"

/* What mb_abi answers: changes with every change of the layout of commands or of what is exported. */
#define MB_ABI 10

/* The name of instruction set `index`, best first; NULL past the end. */
MB_API const char *mb_isa_name(int32_t index);
/* 1 when this machine can run it. */
MB_API int32_t mb_isa_supported(int32_t index);
/* 1 when its products of bf16 are faster than those of f32, on this machine. */
MB_API int32_t mb_isa_multiplies_bf16(int32_t index);

/* For tests: from now on a kernel that asks for more scratch memory at once than this finds none. A negative number lifts the limit. */
MB_API void mb_limit_scratch(int64_t bytes);

/* A stream with `workers` threads (its own included) and the kernels of one instruction set. NULL when threads cannot be made. */
MB_API mb_stream *mb_stream_create(int32_t workers, int32_t isa);

#endif
