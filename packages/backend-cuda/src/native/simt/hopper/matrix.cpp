/* Where the numbers of an operand lie in shared memory, by the descriptor's mode and direction. */
#include "simt/hopper/matrix.h"

#include "simt/hopper/memory.h"

namespace simt {

namespace {

struct layout {
  uint32_t start, leading, stride;
  swizzle mode;
  uint32_t span; /* bytes of a row of memory, 16 without swizzle */
};

layout layout_of(uint64_t descriptor) {
  const layout found = {(uint32_t)(descriptor & 0x3fff) << 4, (uint32_t)(descriptor >> 16 & 0x3fff) << 4, (uint32_t)(descriptor >> 32 & 0x3fff) << 4,
                        (swizzle)(descriptor >> 62), 0};
  if ((descriptor >> 49 & 7) != 0) stop("a matrix descriptor with a base offset is not emulated");
  if ((descriptor & 0x3ff1c000c000c000) != 0) stop("a matrix descriptor has bits that mean nothing");
  const uint32_t span = found.mode == swizzle::none ? 16 : pattern_bytes(found.mode) / 8;
  if (found.mode != swizzle::none && found.start / span % 8 != 0)
    refuse("a swizzled matrix begins at byte %u of shared memory, in the middle of 8 rows of %u bytes", found.start, span);
  return {found.start, found.leading, found.stride, found.mode, span};
}

/* Where element (row, column) would lie without swizzle. */
uint32_t place_of(const layout &at, unsigned row, unsigned column, bool transposed) {
  if (at.mode == swizzle::none && !transposed) return row / 8 * at.stride + row % 8 * 16 + column / 8 * at.leading + column % 8 * 2;
  if (at.mode == swizzle::none) return row / 8 * at.stride + row % 8 * 2 + column % 8 * 16 + column / 8 * at.leading;
  if (!transposed) return row / 8 * at.stride + row % 8 * at.span + column * 2;
  const unsigned wide = at.span / 2;
  return row / wide * at.leading + row % wide * 2 + column % 8 * at.span + column / 8 * at.stride;
}

} // namespace

void read_matrix(uint64_t descriptor, unsigned rows, bool transposed, bool begins, uint16_t *out) {
  const layout at = layout_of(descriptor);
  /* Eight numbers lie together: of a row, or of a column where those are rows of memory. */
  const unsigned row_step = transposed ? 8 : 1, column_step = transposed ? 1 : 8;
  for (unsigned row = 0; row < rows; row += row_step)
    for (unsigned column = 0; column < 16; column += column_step) {
      const uint32_t place = permuted(at.start + place_of(at, row, column, transposed), at.mode);
      if (begins) expect_published(place, 16, "wgmma");
      uint16_t numbers[8];
      memcpy(numbers, at_shared(place, 16, "wgmma"), 16);
      for (unsigned i = 0; i < 8; i++) out[(row + i * (row_step == 8)) * 16 + column + i * (column_step == 8)] = numbers[i];
    }
}

} // namespace simt
