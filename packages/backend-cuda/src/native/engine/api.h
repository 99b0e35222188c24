/* What this library exports beside the functions of streams (kit/stream_api.h); node_functions.c hands it to JavaScript (src/addon.ts). */
#ifndef MB_API_H
#define MB_API_H

#include "kit/stream_api.h"

/* What mb_abi answers: changes with every change of the layout of commands or of what is exported. */
#define MB_ABI 1

#ifdef __cplusplus
extern "C" {
#endif

/* Why no device can be used, as `reason\nadvice`; NULL when there is one. The text stays until the next call. */
MB_API const char *mb_device_problem(void);
/* Name and architecture of a device for people; NULL past the last. The text stays until the next call. */
MB_API const char *mb_device_name(int32_t device);
/* Its architecture: 10 · major + minor. */
MB_API int32_t mb_device_architecture(int32_t device);
/* A stream on a device. NULL when a thread or the device's memory is missing. */
MB_API mb_stream *mb_stream_create(int32_t device);
/* Pinned memory that the host may use; otherwise as mb_stream_allocate. */
MB_API void *mb_stream_allocate_host(mb_stream *stream, int64_t bytes);

#ifdef __cplusplus
}
#endif

#endif
