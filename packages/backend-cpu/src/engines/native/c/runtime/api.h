/* The library as C functions with integer and pointer arguments. node_api.c hands them to JavaScript (native/library.ts). */
#ifndef MB_API_H
#define MB_API_H

#include "base/command.h"

#if defined(_WIN32)
#define MB_API __declspec(dllexport)
#else
#define MB_API __attribute__((visibility("default")))
#endif

typedef struct mb_stream mb_stream;

/* Changes with every change of the layout of commands or of these functions. */
#define MB_ABI 5
MB_API int32_t mb_abi(void);

/* The number of an operation, -1 when this library has none of that name. */
MB_API int32_t mb_operation(const char *name);

/* The number of a function of the scalar table in programs of `map`, -1 when this library has none of that name. */
MB_API int32_t mb_scalar_function(const char *name);

/* The name of instruction set `index`, best first; NULL past the end. */
MB_API const char *mb_isa_name(int32_t index);
/* 1 when this machine can run it. */
MB_API int32_t mb_isa_supported(int32_t index);

/* Copies between host memory and buffers, at once. */
MB_API void mb_copy(void *to, const void *from, int64_t bytes);
/* For tests: from now on a kernel that asks for more scratch memory at once than this finds none. A negative number lifts the limit. */
MB_API void mb_limit_scratch(int64_t bytes);

/* A stream with `workers` threads (its own included) and the kernels of one instruction set. NULL when threads cannot be made. */
MB_API mb_stream *mb_stream_create(int32_t workers, int32_t isa);
/* Memory for a buffer of the stream's commands, NULL when there is no room. It is the stream's, which frees it when a command says so, or at
 * its own end. */
MB_API void *mb_stream_allocate(mb_stream *stream, int64_t bytes);
/* Queues a copy of `bytes` bytes of commands and returns 1, or 0 when there is no memory for the copy. */
MB_API int32_t mb_stream_submit(mb_stream *stream, const void *commands, int64_t bytes);
/* How many commands have been executed since the start. */
MB_API int64_t mb_stream_completed(mb_stream *stream);
/* Waits until `count` commands have been executed, but not much longer than the given time. Returns 1 when they have. */
MB_API int32_t mb_stream_wait(mb_stream *stream, int64_t count, int32_t milliseconds);
/* Takes the error of one of the first `count` commands: writes `kind\noperation\nmessage` and returns 1,
 * or returns 0. The kind is `value` (a bad value that only the device could see) or `memory` (no room for a kernel's scratch memory). */
MB_API int32_t mb_stream_take_error(mb_stream *stream, int64_t count, char *text, int64_t capacity);
/* Executes what is queued if `finish` is not 0, else only ends the command in progress; then ends the threads and frees the stream and its
 * memory. Nobody may wait any more. */
MB_API void mb_stream_destroy(mb_stream *stream, int32_t finish);

#endif
