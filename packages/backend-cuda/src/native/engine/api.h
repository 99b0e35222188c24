/* What this library exports beside the functions of streams (kit/stream_api.h); node_functions.c hands it to JavaScript (src/addon.ts). */
#ifndef MB_API_H
#define MB_API_H

#include "kit/stream_api.h"

/* What mb_abi answers: changes with every change of the layout of commands or of what is exported. */
#define MB_ABI 2

#ifdef __cplusplus
extern "C" {
#endif

/* Why this device, or any, cannot be used, as `reason\nadvice`; NULL when it can, or when there are others only. The text stays until the next
 * call. */
MB_API const char *mb_device_problem(int32_t device);
/* Name, architecture, memory and versions for people; NULL past the last. The text stays until the next call. */
MB_API const char *mb_device_name(int32_t device);

/* Of a stream: waits after each command, so that an error names the one that failed; queues recorded commands one by one, without graphs. */
enum { MB_STREAM_SYNCHRONIZES = 1, MB_STREAM_WITHOUT_GRAPHS = 2 };

/* A stream on a device. NULL when a thread or the device's memory is missing. `timeline` names a file for times of commands, or is "". */
MB_API mb_stream *mb_stream_create(int32_t device, int32_t flags, const char *timeline);
/* Pinned memory that the host may use; otherwise as mb_stream_allocate. */
MB_API void *mb_stream_allocate_host(mb_stream *stream, int64_t bytes);
/* How much memory the device has, in words; NULL when it does not answer. The text stays until the next call. */
MB_API const char *mb_stream_room(mb_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
