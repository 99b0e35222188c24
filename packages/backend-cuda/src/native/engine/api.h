/* What this library exports beside the functions of streams (kit/stream_api.h); node_functions.c hands it to JavaScript (src/addon.ts). */
#ifndef MB_API_H
#define MB_API_H

#include "kit/stream_api.h"

/* What mb_abi answers: changes with every change of the layout of commands or of what is exported. */
#define MB_ABI 5

#ifdef __cplusplus
extern "C" {
#endif

/* Why this device, or any, cannot be used, as `reason\nadvice`; NULL when it can, or when there are others only. The text stays until the next
 * call. */
MB_API const char *mb_device_problem(int32_t device);
/* Name, architecture, memory and versions for people; NULL past the last. The text stays until the next call. */
MB_API const char *mb_device_name(int32_t device);
/* Its architecture: 10 · major + minor. */
MB_API int32_t mb_device_architecture(int32_t device);

/* Of a stream: waits after each command, so that an error names the one that failed; queues recorded commands one by one, without graphs. */
enum { MB_STREAM_SYNCHRONIZES = 1, MB_STREAM_WITHOUT_GRAPHS = 2 };

/* A stream on a device. NULL when a thread or the device's memory is missing. `timeline` names a file for times of commands, or is "". */
MB_API mb_stream *mb_stream_create(int32_t device, int32_t flags, const char *timeline);
/* Opens cuBLASLt for the stream's products, before its first command. Why it cannot; NULL when it could. The text stays until the next call. */
MB_API const char *mb_stream_open_products(mb_stream *stream, const char *path);
/* The version of that cuBLASLt: 10000 · major + 100 · minor + patch. */
MB_API int64_t mb_stream_products_version(mb_stream *stream);
/* Pinned memory that the host may use; otherwise as mb_stream_allocate. */
MB_API void *mb_stream_allocate_host(mb_stream *stream, int64_t bytes);
/* How much memory the device has, in words; NULL when it does not answer. The text stays until the next call. */
MB_API const char *mb_stream_room(mb_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
