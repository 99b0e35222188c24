/* A product of 128 rows for two warpgroups, 64 rows each; a third one loads. Blocks stay and go through the tiles, the columns of a row first: while
 * one tile is written, operands of the next arrive. Tiles in shared memory are rows of 128 bytes, swizzled. */
#ifndef MB_SM90_PRODUCT_H
#define MB_SM90_PRODUCT_H

#include "kernels/sm90/ring.h"
#include "simt/architecture.h"

constexpr int product_threads = 3 * warpgroup_threads; /* the first warpgroup loads */
constexpr int tile_rows = 128, half_rows = 64, tile_depth = 64, stages = 4;
constexpr int row_bytes = 128, box_columns = 64; /* of a swizzled box */

/* What one wgmma goes on by along the depth. */
constexpr unsigned depth_bytes = 16 * 2;

struct mb_tile_grid {
  int row_tiles, column_tiles, depth_steps;

  MB_CLOSE int count() const { return row_tiles * column_tiles; }
};

inline mb_tile_grid tiles_of(int64_t rows, int64_t columns, int tile_columns, int64_t depth) {
  return {(int)((rows + tile_rows - 1) / tile_rows), (int)((columns + tile_columns - 1) / tile_columns), (int)((depth + tile_depth - 1) / tile_depth)};
}

inline mb_grid persistent_blocks(const mb_tile_grid &grid) {
  const int most = current_architecture().multiprocessors;
  return {grid.count() < most ? grid.count() : most};
}

/* A matrix [rows, columns] of bf16, its rows `pitch` elements apart, in boxes of 64 columns. */
inline mb_tensor_map matrix_map(const void *data, int64_t rows, int64_t columns, int64_t pitch, int box_rows) {
  mb_box_shape shape = {2, {(uint64_t)columns, (uint64_t)rows}, {(uint64_t)pitch * 2}, {box_columns, (uint32_t)box_rows}, swizzle::bytes_128};
  return tensor_map(data, shape);
}

#ifdef MB_HOPPER

/* Where the chunk of 8 columns lies in a swizzled box. */
MB_DEVICE unsigned char *chunk_at(unsigned char *box, int row, int chunk) { return box + row * row_bytes + ((chunk ^ (row & 7)) << 4); }

/* Goes through the depth of a tile: `multiply(place of the ring, whether to add)` queues the products of a place. */
template <int places, int count, typename Multiply>
MB_DEVICE void multiply_tile(mb_ring<places> &ring, mb_ring_position<places> &at, int steps, float (&sums)[count], const Multiply &multiply) {
  int last = at.place;
  for (int step = 0; step < steps; step++) {
    wait_until_full(ring, at);
    wgmma_fence();
    multiply(at.place, step > 0);
    wgmma_commit();
    wgmma_wait<1>();
    if (step > 0) give_empty(ring, last);
    last = at.place;
    at.next();
  }
  wgmma_wait<0>(sums);
  give_empty(ring, last);
}

#endif

#endif
