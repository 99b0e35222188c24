/* The exported C functions, called from native/library.ts. Every one is a plain C call with integer, double and pointer arguments. */
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
#define MB_ABI 3
MB_API int32_t mb_abi(void);

/* The number of an operation, -1 when this library has none of that name. */
MB_API int32_t mb_operation(const char *name);

/* The number of a function of the scalar table in programs of `map`, -1 when this library has none of that name. */
MB_API int32_t mb_scalar_function(const char *name);

/* The name of instruction set `index`, best first; NULL past the end. */
MB_API const char *mb_isa_name(int32_t index);
/* 1 when this machine can run it. */
MB_API int32_t mb_isa_supported(int32_t index);

MB_API void *mb_allocate(int64_t bytes);
MB_API void mb_free(void *data);
/* Copies between host memory and buffers, at once. */
MB_API void mb_copy(void *to, const void *from, int64_t bytes);

/* A stream with `workers` threads (its own included) and the kernels of one instruction set. NULL when threads cannot be made. */
MB_API mb_stream *mb_stream_create(int32_t workers, int32_t isa);
/* Queues a copy of `bytes` bytes of commands and returns. */
MB_API void mb_stream_submit(mb_stream *stream, const void *commands, int64_t bytes);
/* How many commands have been executed since the start. */
MB_API int64_t mb_stream_completed(mb_stream *stream);
/* Waits until `count` commands have been executed, but not much longer than the given time. Returns 1 when they have. */
MB_API int32_t mb_stream_wait(mb_stream *stream, int64_t count, int32_t milliseconds);
/* Takes the error of one of the first `count` commands: writes `operation\nmessage` and returns 1, or returns 0. */
MB_API int32_t mb_stream_take_error(mb_stream *stream, int64_t count, char *text, int64_t capacity);
/* Executes what is queued, ends the threads, frees the stream. */
MB_API void mb_stream_destroy(mb_stream *stream);

#endif
