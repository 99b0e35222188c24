/* How threads share rows. */
#ifndef MB_NORM_ROWS_H
#define MB_NORM_ROWS_H

#include "base/joins.h"
#include "base/pack.h"

/* Rows up to this width are held in the registers of a warp. */
constexpr int64_t most_warp_width = 1024;
constexpr int row_warps = 4, row_threads = 32 * row_warps; /* of a block whose warps have a row each */
constexpr int block_threads = 256;                        /* of a block that has one row */

#endif
