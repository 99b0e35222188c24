/* mb_gemm by fused multiply-adds: packing (gemm/fma_pack.c), micro-kernels (gemm/fma_multiply.c), the way to the result
 * (gemm/fma_store.c).
 *
 * A tile of the result is up to MB_FMA_LINES lines by MB_FMA_LANES lanes. Lanes come packed, panels of up to MB_FMA_LANES of them laid out
 * [depth][lane]; of lines one element at a time is broadcast, so they may lie in any way. A micro-kernel keeps its whole tile in registers.
 * (Goto, van de Geijn: Anatomy of high-performance matrix multiplication, 2008; Van Zee, van de Geijn: BLIS, 2015.) */
#ifndef MB_GEMM_FMA_H
#define MB_GEMM_FMA_H

#include "base/command.h"
#include "gemm/gemm.h"
#include "simd/simd.h"

#if defined(__AVX512F__)
#define MB_FMA_LINES 14
#define MB_FMA_VECTORS 2
#elif defined(__AVX2__)
#define MB_FMA_LINES 6
#define MB_FMA_VECTORS 2
#elif defined(__aarch64__)
#define MB_FMA_LINES 8
#define MB_FMA_VECTORS 3
#else
#define MB_FMA_LINES 4
#define MB_FMA_VECTORS 2
#endif
/* Lines whose distance is a multiple of so many floats fall into too few sets of the L1 cache to stay there together: they are packed. */
#define MB_FMA_CONFLICT 512
#define MB_FMA_LANES (MB_FMA_VECTORS * VL)
#define MB_FMA_SUM_LINES ((MB_FMA_LINES + VL - 1) / VL * VL) /* of a tile's sums in memory */

/* Writes rows × depth elements of a matrix as one panel: element (row, k) from `from + row * row_stride + k * depth_stride` goes to
 * `to[k * width + row]`, widened where `dtype` is bf16 or f16 (with a depth_stride of 1); rows beyond `rows` up to `width` become 0. width is
 * at most MB_FMA_LANES or MB_FMA_LINES, and a multiple of VL when rows < width. */
void MB_FN(mb_fma_pack)(const void *from, int32_t dtype, int64_t row_stride, int64_t depth_stride, int64_t rows, int64_t width, int64_t depth, float *to);

/* The same where elements of neighbouring rows are neighbours, for `panels` panels side by side: reads each depth's memory once, from end
 * to end. */
void MB_FN(mb_fma_pack_panels)(const float *from, int64_t depth_stride, int64_t panels, const int64_t *rows, const int64_t *widths, int64_t depth,
                                float *to);

/* sums[line][lane] = Σ_k a[line * line_stride + k * depth_stride] · panel[k][lane]; rows of sums are MB_FMA_LANES long. The panel is `lanes`
 * rounded up to VL wide. `ahead` is memory that will be wanted soon: `ahead_step` bytes of it for each k are fetched into the L2 cache. */
void MB_FN(mb_fma_multiply)(int64_t lines, int64_t lanes, int64_t depth, const float *a, int64_t line_stride, int64_t depth_stride,
                         const float *panel, const char *ahead, int64_t ahead_step, float *sums);

/* Where a tile goes: element (line, lane) is c[line * stride + lane], or where `turned` c[lane * stride + line]. */
typedef struct {
  float *c;
  int64_t stride;
  int turned, add; /* add: to the old elements */
  float alpha;
  /* Where turned and all sums are complete: bias[line] (may be NULL), and rows in 16 bits that they go to instead (NULL: c). */
  const float *bias;
  uint16_t *c16;
  int32_t dtype16;
} mb_fma_target;

/* Fetches into the cache where a tile will go. */
void MB_FN(mb_fma_expect)(const mb_fma_target *target, int64_t lines, int64_t lanes);

void MB_FN(mb_fma_store)(const mb_fma_target *target, int64_t lines, int64_t lanes, const float *sums);

/* One product (batches aside) by micro-kernels, whatever its shape. Outside of tasks on all workers, inside of them on one. */
void MB_FN(mb_gemm_fma)(const mb_gemm_args *args, const float *a, const float *b, float *c, int worker);

#endif
