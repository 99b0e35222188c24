/* setmaxnreg: a block has what it was launched with, of the 65,536 registers of an SM; a warpgroup that takes more waits until others gave theirs
 * back. */
#include <vector>

#include "simt/hopper/memory.h"

namespace simt {

namespace {

constexpr unsigned registers_of_sm = 65536;

struct register_counts {
  uint64_t block = 0;
  unsigned all = 0;
  std::vector<unsigned> warps; /* per thread of each */
};

thread_local register_counts made;

register_counts &own() {
  if (made.block != block_serial()) {
    const unsigned threads = position().threads.x, room = registers_of_sm / threads / 8 * 8, each = room > 248 ? 248 : room;
    made = {block_serial(), threads * each, std::vector<unsigned>(threads / 32, each)};
  }
  return made;
}

unsigned in_use() {
  unsigned sum = 0;
  for (const unsigned warp : own().warps) sum += 32 * warp;
  return sum;
}

} // namespace

void set_registers(unsigned count, bool more) {
  if (count % 8 != 0 || count < 24 || count > 256) stop("setmaxnreg: 24 to 256 registers, in eights");
  register_counts &counts = own();
  unsigned &warp = counts.warps[position().thread.x / 32];
  if (more ? count < warp : count > warp) refuse("setmaxnreg: from %u registers to %u is not %s", warp, count, more ? "more" : "less");
  if (more) {
    const unsigned added = 32 * (count - warp);
    wait_until([&] { return warp == count || in_use() + added <= counts.all; },
               [&] { return "setmaxnreg to " + std::to_string(count) + ": " + std::to_string(in_use()) + " of " + std::to_string(counts.all) + " registers are in use"; });
  }
  warp = count;
}

} // namespace simt
