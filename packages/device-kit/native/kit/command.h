/* Commands as CommandEncoder (device-kit's commands/encoder.ts) writes them: mb_command, then `views` times mb_view, then 8-byte doubles
 * (the attributes). All numbers that JavaScript sends are doubles: whole numbers up to 2^53 are exact. */
#ifndef MB_KIT_COMMAND_H
#define MB_KIT_COMMAND_H

#include <stdint.h>

#define MB_MAX_RANK 6

typedef enum { MB_F32, MB_F16, MB_BF16, MB_F64, MB_I32, MB_U32 } mb_dtype;

/* A strided window. `data` has the offset applied; shapes and strides count elements. Absent (optional) views have data == NULL. */
typedef struct {
  void *data;
  int32_t dtype; /* mb_dtype */
  int32_t rank;
  int64_t shape[MB_MAX_RANK], stride[MB_MAX_RANK];
} mb_view;

typedef struct {
  int32_t operation; /* a number of the library (mb_operation), or one of the stream's own */
  int32_t views;
  int64_t bytes; /* of the whole command, a multiple of 8 */
} mb_command;

/* The stream's own operations, and their attributes:
 *   write    to, size, bytes…
 *   copy     to, from, size
 *   free     address
 *   replay   address and size of commands in memory of the stream, which are executed as one command
 *   guard    address and size of a buffer: fills it and what lies round it with patterns
 *   check    the same: whether what lies round it is as it was
 *   call     the address of an mb_function (of a device: mb_device_function), then its own attributes; views as of a kernel
 *   beside   the same on a thread of its own (of a device: a queue), one after another, while the commands behind go on
 *   settle   waits until all that runs beside has ended (of a device: makes the commands behind wait) */
enum { MB_WRITE_INLINE = -1, MB_COPY_BYTES = -2, MB_FREE = -3, MB_REPLAY = -4, MB_GUARD = -5, MB_CHECK_GUARD = -6, MB_CALL = -7, MB_BESIDE = -8, MB_SETTLE = -9 };

/* A function of another library, called on the stream's thread. Returns NULL, or an error as mb_stream_take_error writes it, which stays valid
 * until the next call; one of the kind `collective` stays the stream's error. */
typedef const char *mb_function(const mb_view *views, int32_t count, const double *attributes);

/* The same for a device: it queues its work on `queue` (CUDA's stream, which may be captured) and does not wait for it. When work of the stream is
 * done it is called with no views and `count` -1, from any thread: the error is that of its library meanwhile. */
typedef const char *mb_device_function(const mb_view *views, int32_t count, const double *attributes, void *queue);

/* On either side of a guarded buffer, in bytes. */
enum { MB_GUARD_BYTES = 256 };

#endif
