/* The numbered barriers of a block, of which __syncthreads is the one with number 0. */
#include "simt/emulated.h"

namespace simt {

namespace {

struct named_barrier {
  unsigned arrived = 0, count = 0, turn = 0;
};

struct named_barriers {
  uint64_t block = 0;
  named_barrier all[16];
};

thread_local named_barriers made;

named_barrier &arrive(unsigned id, unsigned count) {
  if (made.block != block_serial()) made = {block_serial(), {}};
  if (id == 0 || id > 15) stop("a named barrier has a number from 1 to 15");
  if (count == 0 || count % 32 != 0 || count > position().threads.x) stop("a named barrier is of whole warps of the block");
  named_barrier &barrier = made.all[id];
  if (barrier.arrived > 0 && barrier.count != count) stop("threads come to a named barrier with different counts");
  barrier.count = count;
  if (++barrier.arrived == count) {
    barrier.arrived = 0;
    barrier.turn++;
  }
  return barrier;
}

} // namespace

void arrive_threads(unsigned id, unsigned count) { arrive(id, count); }

void sync_threads(unsigned id, unsigned count) {
  const unsigned turn = made.block == block_serial() ? made.all[id % 16].turn : 0;
  const named_barrier &barrier = arrive(id, count);
  wait_until([&] { return barrier.turn != turn; },
             [&] { return "named barrier " + std::to_string(id) + ", where " + std::to_string(barrier.arrived) + " of " + std::to_string(count) + " threads are"; });
}

} // namespace simt
