/* What this library exports beside the functions of streams (kit/stream_api.h). node_functions.c hands it to JavaScript (native/library.ts). */
#ifndef MB_API_H
#define MB_API_H

#include "kit/stream_api.h"

/* What mb_abi answers: changes with every change of the layout of commands or of what is exported. */
#define MB_ABI 12

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

/* The `bytes` bytes behind an open descriptor as memory of the stream, freed like what mb_stream_allocate gives. What is written to it stays in
 * this process. NULL where the file has another size and where the system maps none. From then on a file that was changed is an error of every
 * command; pages that were cut off end the process (SIGBUS). */
MB_API void *mb_stream_map(mb_stream *stream, int32_t file, int64_t bytes);

#endif
