/* The parts of mb_gemm: panel sizes, packing, micro-kernels.
 *
 * Packed A is panels of up to MB_MR rows, packed B panels of up to MB_NR columns, both laid out [k][row or column]: a micro-kernel
 * reads them front to back and keeps its whole tile of C in registers. (Goto, van de Geijn: Anatomy of high-performance matrix
 * multiplication, 2008; Van Zee, van de Geijn: BLIS, 2015.) */
#ifndef MB_GEMM_TILES_H
#define MB_GEMM_TILES_H

#include "command.h"
#include "gemm.h"
#include "simd.h"

#if defined(__AVX512F__)
#define MB_MR 14
#define MB_NV 2
#elif defined(__AVX2__)
#define MB_MR 6
#define MB_NV 2
#elif defined(__aarch64__)
#define MB_MR 8
#define MB_NV 3
#else
#define MB_MR 4
#define MB_NV 2
#endif
#define MB_NR (MB_NV * VL)

/* Writes rows × depth elements of a matrix as one panel: element (row, k) from `from + row * row_stride + k * depth_stride` goes to
 * `to[k * width + row]`; rows beyond `rows` up to `width` become 0. width is at most MB_NR or MB_MR, and a multiple of VL when rows < width. */
void MB_FN(mb_gemm_pack)(const float *from, int64_t row_stride, int64_t depth_stride, int64_t rows, int64_t width, int64_t depth, float *to);

/* The same for `panels` panels side by side of a matrix with contiguous rows: reads each row of memory once, from end to end. */
void MB_FN(mb_gemm_pack_panels)(const float *from, int64_t depth_stride, int64_t panels, const int64_t *widths, int64_t depth, float *to);

/* C[rows, columns] = alpha · panel A · panel B, added to the old C if `add`. B's panel is `columns` rounded up to VL wide. */
void MB_FN(mb_gemm_tile)(int64_t rows, int64_t columns, int64_t depth, const float *a, const float *b, float *c, int64_t c_row,
                         float alpha, int add);

/* One product (batches aside) by micro-kernels, whatever its shape. Outside of tasks on all workers, inside of them on one. */
void MB_FN(mb_gemm_fma)(const mb_gemm_args *args, const float *a, const float *b, float *c, int worker);

/* For few rows of A against a B whose columns are contiguous (a weight [N, K]): C[rows, first…end-1] by dot products, nothing packed. */
#define MB_DOT_ROWS 8
void MB_FN(mb_gemm_dot)(int64_t rows, int64_t first, int64_t end, int64_t depth, const float *a, int64_t a_row, const float *b,
                        int64_t b_column, float *c, int64_t c_row, float alpha, int add);

#endif
