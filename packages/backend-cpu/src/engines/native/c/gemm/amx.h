/* f32 products on AMX tiles, to f32 accuracy.
 *
 * Every f32 x is split into three bf16 by rounding (amx/parts.h), x = high + middle + low exactly.
 * Of the nine products of parts, six are summed in f32 by TDPBF16PS; what is left out is below 2^-23.9 |a·b|, of random sign. A tile adds
 * up 16 products before it rounds into the running sum, so sums come out nearer to the exact ones than those of a chain of FMAs: worst
 * error over Σ|a·b| is 1.5 · 2^-24 for normal numbers (a chain: 4.4), 27 · 2^-24 for their magnitudes (a chain: 87), K = 64…8192.
 *
 * Limits of the instruction: it takes bf16 below 2^-126 and results below 2^-126 as zero, so each product errs by up to
 * 2^-125 · (|alpha·a| + |b| + 1) besides. Blocks with an element of 2^63 or more, infinite or NaN go through FMA (gemm/gemm.c), as parts of such
 * elements are not finite or their products could overflow before the sum does. */
#ifndef MB_GEMM_AMX_H
#define MB_GEMM_AMX_H

#include "amx/parts.h"
#include "amx/tile.h"
#include "gemm/gemm.h"

#if defined(__AMX_BF16__)

/* Lines (rows of A, columns of B) of a panel, two tiles; depth of one step. */
#define MB_AMX_PANEL_LINES (2 * MB_AMX_TILE_LINES)
#define MB_AMX_STEP 32
#define MB_AMX_UNIT_BYTES (MB_AMX_PARTS * MB_AMX_TILE_BYTES) /* of one tile by one step, all parts */

/* A packed panel is [step][part][tile] of 1 KiB tiles; the last panel of an operand may have one tile instead of two. Tiles of A are
 * [row][depth], tiles of B [depth][column], both with pairs of depths (k, k + 16) in one 32-bit word. */
typedef struct {
  const float *from;
  int64_t line_stride, depth_stride; /* in elements; a line is a row of A or a column of B */
  int64_t lines, depth;              /* 1…MB_AMX_PANEL_LINES, 1…; the rest of tiles becomes 0 */
  int columns;                       /* a panel of B, not of A */
  float scale;                       /* of A; 1 for B */
  char *to;
} mb_amx_panel;

static inline int64_t mb_amx_tiles(int64_t lines) { return mb_ceil_div(lines, MB_AMX_TILE_LINES); }
static inline int64_t mb_amx_steps(int64_t depth) { return mb_ceil_div(depth, MB_AMX_STEP); }

/* Splits and packs. Returns 1 when all elements are below 2^63, 0 when the panel is not fit for tiles. */
int MB_FN(mb_amx_pack)(const mb_amx_panel *panel);

/* Memory to be asked for while tiles are multiplied: at each step `lines` stretches of MB_AMX_STEP floats. */
typedef struct {
  const float *from;
  int64_t lines, line_stride, step_stride;
} mb_amx_prefetch;

/* C[rows, columns] = panel A · panel B, added to the old C if `add`; between mb_amx_begin and mb_amx_end. */
void MB_FN(mb_amx_multiply)(int64_t rows, int64_t columns, int64_t depth, const char *a, const char *b, float *c, int64_t c_row,
                             int add, mb_amx_prefetch next);

/* Whether AMX is the faster way for this product, batches aside. */
int MB_FN(mb_gemm_amx_suits)(const mb_gemm_args *args);

/* One product (batches aside) on AMX tiles. Outside of tasks on all workers, inside of them on one. */
void MB_FN(mb_gemm_amx)(const mb_gemm_args *args, const float *a, const float *b, float *c, int worker);

#endif
#endif
