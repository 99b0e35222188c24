/* What a kernel file needs to know of the command stream: views, the kernel signature, per-ISA names, error reports. */
#ifndef MB_COMMAND_H
#define MB_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "kit/command.h"

/* Kernel files are compiled once per instruction set with -DMB_ISA=avx2 (avx512, neon, baseline): MB_FN(f) is f_avx2.
 * Give this name to every function with external linkage in native/c/; keep all others static. */
#define MB_PASTE_(name, isa) name##_##isa
#define MB_PASTE(name, isa) MB_PASTE_(name, isa)
#define MB_FN(name) MB_PASTE(name, MB_ISA)

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
