/* Pairs of tiles that a block of attention walks over: keys and values, or queries and gradients of what they gave. One warpgroup loads them, turns the
 * first of each pair and clears rows beyond the sequence's end, so that an infinity of the next text stays there. */
#ifndef MB_SM90_ATTENTION_TILES_H
#define MB_SM90_ATTENTION_TILES_H

#include "kernels/attention/rotary.h"
#include "kernels/attention/slots.h"
#include "kernels/sm90/product.h"

constexpr int attention_threads = 3 * warpgroup_threads; /* the first warpgroup loads, two multiply */
constexpr int block_rows = 128, tile_places = 3;

template <int rows> struct mb_tile_pair {
  unsigned char turned[rows * row_bytes], plain[rows * row_bytes];
};

template <int rows> struct mb_tile_ring {
  mb_tile_pair<rows> places[tile_places];
  mb_ring<tile_places> ring; /* `full` by all threads that load, when tiles are ready */
  uint64_t loaded[tile_places];
};

/* Where tiles come from: along tokens, which of the rows of 64 numbers of a token. */
struct mb_tile_source {
  const mb_tensor_map &turned, &plain;
  int turned_row, plain_row;
  int start, end; /* the first token, and how many there are */
};

/* Boxes of 64 numbers of `rows` tokens; `vectors` are those of a token. */
inline mb_tensor_map token_map(const void *data, int tokens, int vectors, int rows) {
  const mb_box_shape shape = {
      3, {64, (uint64_t)vectors, (uint64_t)tokens}, {row_bytes, (uint64_t)vectors * row_bytes}, {64, 1, (uint32_t)rows}, swizzle::bytes_128};
  return tensor_map(data, shape);
}

#ifdef MB_HOPPER

template <int rows> MB_DEVICE void prepare_tile_ring(mb_tile_ring<rows> &tiles) {
  for (int place = 0; place < tile_places; place++) {
    barrier_init(tiles.ring.full + place, warpgroup_threads);
    barrier_init(tiles.ring.empty + place, 2 * warpgroup_threads / 32);
    barrier_init(tiles.loaded + place, 1);
  }
}

template <int rows> MB_DEVICE void load_pair(mb_tile_ring<rows> &tiles, const mb_tile_source &from, int tile, int place) {
  uint64_t *const barrier = tiles.loaded + place;
  barrier_expect(barrier, sizeof(mb_tile_pair<rows>));
  load_box(tiles.places[place].turned, from.turned, barrier, 0, from.turned_row, from.start + tile * rows);
  load_box(tiles.places[place].plain, from.plain, barrier, 0, from.plain_row, from.start + tile * rows);
}

/* Turns 8 pairs of a row. */
MB_DEVICE void turn_chunk(const mb_attention &p, unsigned char *tile, int row, int chunk, int position) {
  const int64_t angles = angles_of(p, position) + chunk * 8;
  uint4 *const x = (uint4 *)chunk_at(tile, row, chunk), *const y = (uint4 *)chunk_at(tile, row, chunk + 4);
  uint4 left = *x, right = *y;
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const float4 c = *(const float4 *)(p.cos + angles + 4 * i), s = *(const float4 *)(p.sin + angles + 4 * i);
    turn_pairs<mb_bf16>(i ? left.z : left.x, i ? right.z : right.x, c.x, c.y, s.x, s.y);
    turn_pairs<mb_bf16>(i ? left.w : left.y, i ? right.w : right.y, c.z, c.w, s.z, s.w);
  }
  *x = left;
  *y = right;
}

/* Four threads a row, two chunks each. `first` is the place in the sequence. */
template <int rows> MB_DEVICE void prepare_pair(const mb_attention &p, mb_tile_pair<rows> &tile, int first, int end) {
  const int quarter = threadIdx.x % 4;
  for (int row = (int)threadIdx.x / 4; row < rows; row += warpgroup_threads / 4) {
    if (first + row < end) {
      if (p.cos) turn_chunk(p, tile.turned, row, quarter, first + row);
      continue;
    }
    for (const int chunk : {quarter, quarter + 4}) {
      *(uint4 *)chunk_at(tile.turned, row, chunk) = {0, 0, 0, 0};
      *(uint4 *)chunk_at(tile.plain, row, chunk) = {0, 0, 0, 0};
    }
  }
}

/* All of the loading warpgroup. Loads are two tiles ahead; `beside(tile, place)` adds what else belongs to a tile. */
template <int rows, typename Beside>
MB_DEVICE void load_pairs(mb_tile_ring<rows> &tiles, const mb_attention &p, const mb_tile_source &from, int count, const Beside &beside) {
  constexpr int early = tile_places - 1;
  const bool loads = threadIdx.x == 0;
  mb_ring_position<tile_places> at, ahead;
  for (int tile = 0; tile < early; tile++, ahead.next())
    if (loads && tile < count) load_pair(tiles, from, tile, tile);
  for (int tile = 0; tile < count; tile++, at.next(), ahead.next()) {
    barrier_wait(tiles.loaded + at.place, at.turn);
    prepare_pair(p, tiles.places[at.place], tile * rows, from.end);
    beside(tile, at.place);
    fence_async();
    barrier_arrive(tiles.ring.full + at.place);
    if (!loads || tile + early >= count) continue;
    barrier_wait(tiles.ring.empty + ahead.place, ahead.turn ^ 1);
    load_pair(tiles, from, tile + early, ahead.place);
  }
}

#endif

#endif
