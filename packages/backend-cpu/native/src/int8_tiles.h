/* The kernels of int8_linear.c: what differs between instruction sets.
 *
 * Weights are read as they lie, [channels][words], four signed bytes to a word. Activations are packed into panels of VL rows, laid out
 * [word][row], so that one vector holds the same four depths of VL rows: a kernel multiplies it with a word of weights in every lane. */
#ifndef MB_INT8_TILES_H
#define MB_INT8_TILES_H

#include "command.h"
#include "simd.h"

/* Most channels and panels of a kernel; MB_INT8_CHANNELS is a multiple of VL and of every kernel's channels. */
#define MB_INT8_CHANNELS 32
#define MB_INT8_PANELS 3

typedef struct {
  int channels, panels; /* of one call: up to so many */
  int32_t flip;         /* exclusive-or of activations: 0x80808080 for kernels that take them as q + 128 */
  void (*begin)(void), (*end)(void); /* around the calls of a task; may be NULL */
  /* sums[channel][panel][row] = Σ q · w. Panel p is at x + p * panel and holds zeros beyond `words` up to a multiple of VL.
   * sums has rows of panels * VL, and room for this->channels of them. */
  void (*tile)(int channels, int panels, int64_t words, const int32_t *weight, const int32_t *x, int64_t panel, int32_t *sums);
} mb_int8_kernel;

/* The best kernel for this machine: of int8_amx.c where tiles are compiled in, else of int8_dot.c. */
const mb_int8_kernel *MB_FN(mb_int8_kernel_of)(void);

#endif
