/* What a kernel file needs to know of the command stream: views, the kernel signature, per-ISA names, error reports.
 *
 * A command in the stream is: mb_command, then `views` times mb_view, then 8-byte doubles (the attributes). All numbers that
 * JavaScript sends are doubles: whole numbers up to 2^53 are exact. */
#ifndef MB_COMMAND_H
#define MB_COMMAND_H

#include <stddef.h>
#include <stdint.h>

/* Kernel files are compiled once per instruction set with -DMB_ISA=avx2 (avx512, neon, baseline): MB_FN(f) is f_avx2.
 * Give this name to every function with external linkage in native/c/; keep all others static. */
#define MB_PASTE_(name, isa) name##_##isa
#define MB_PASTE(name, isa) MB_PASTE_(name, isa)
#define MB_FN(name) MB_PASTE(name, MB_ISA)

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
  int32_t operation; /* index in MB_OPERATIONS, or negative for the stream's own (runtime/stream.c) */
  int32_t views;
  int64_t bytes; /* of the whole command, a multiple of 8 */
} mb_command;

/* Runs one command. Called on the stream thread; use mb_parallel (base/parallel.h) inside. */
typedef void (*mb_kernel)(const mb_view *views, const double *attributes);

/* Reports a bad value that only the device could see (`id 7 is not in 0..4`). The first report stays until JavaScript reads it as a
 * DeviceValueError `[operation] message`. Callable from any task. Carry on after it, with zeros for what is bad. */
void mb_value_error(const char *operation, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline int64_t mb_bytes_of(int32_t dtype) {
  return dtype == MB_F64 ? 8 : dtype == MB_F16 || dtype == MB_BF16 ? 2 : 4;
}

static inline int64_t mb_size_of(const mb_view *view) {
  int64_t size = 1;
  for (int32_t axis = 0; axis < view->rank; axis++) size *= view->shape[axis];
  return size;
}

static inline int64_t mb_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

#define MB_MIN(a, b) ((a) < (b) ? (a) : (b))
#define MB_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Where share i begins when `size` things are divided into `shares` as evenly as possible. */
static inline int64_t mb_share(int64_t size, int64_t shares, int64_t i) { return size / shares * i + MB_MIN(i, size % shares); }

#endif
