/* What every library with command streams exports: C functions with integer and pointer arguments, which node_door.c hands to JavaScript
 * (device-kit's commands/addon.ts). How a stream is made is the library's own. */
#ifndef MB_KIT_STREAM_API_H
#define MB_KIT_STREAM_API_H

#include <stdint.h>

#if defined(_WIN32)
#define MB_API __declspec(dllexport)
#else
#define MB_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mb_stream mb_stream;

/* The version of the layout of commands and of the exported functions. */
MB_API int32_t mb_abi(void);

/* The number of an operation, -1 when this library has none of that name. */
MB_API int32_t mb_operation(const char *name);

/* The number of a function of the scalar table in programs of `map`, -1 when this library has none of that name. */
MB_API int32_t mb_scalar_function(const char *name);

/* Copies between host memory and buffers, at once. */
MB_API void mb_copy(void *to, const void *from, int64_t bytes);
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
 * or returns 0. The kind is `value` (a bad value that only the device could see), `memory` (no room for a kernel's scratch memory), `unsupported`, or `lost`
 * (the device does nothing any more: this error stays), `collective` (processes that work together cannot go on: this error stays). */
MB_API int32_t mb_stream_take_error(mb_stream *stream, int64_t count, char *text, int64_t capacity);
/* Executes what is queued if `finish` is not 0, else only ends the command in progress; then ends the threads and frees the stream and its
 * memory. Nobody may wait any more. */
MB_API void mb_stream_destroy(mb_stream *stream, int32_t finish);

#ifdef __cplusplus
}
#endif

#endif
