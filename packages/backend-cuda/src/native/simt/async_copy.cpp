/* Asynchronous copies of the emulator: what they write is NaN from the moment that they are asked for until their group is waited for. */
#include "simt/async_copy.h"

#include <deque>
#include <vector>

namespace simt {

namespace {

struct copy {
  mb_place to;
  const void *from;
  bool copies;
};

/* Of one thread of a block. */
struct copies {
  uint64_t block = 0;
  std::vector<copy> open;
  std::deque<std::vector<copy>> groups;
};

copies &own() {
  static thread_local std::vector<copies> all(1024);
  copies &mine = all[position().thread.x];
  if (mine.block != block_serial()) mine = {block_serial(), {}, {}};
  return mine;
}

} // namespace

void copy_or_clear(mb_place to, const void *from, bool copies) {
  if ((uintptr_t)from % 16 != 0) stop("an asynchronous copy reads 16 bytes at a multiple of 16");
  memset(at_place(to, 16), 0xff, 16);
  own().open.push_back({to, from, copies});
}

void commit_copies() {
  copies &mine = own();
  mine.groups.push_back(std::move(mine.open));
  mine.open.clear();
}

void wait_copies(size_t pending) {
  std::deque<std::vector<copy>> &groups = own().groups;
  for (; groups.size() > pending; groups.pop_front())
    for (const copy &one : groups.front()) {
      unsigned char *const to = at_place(one.to, 16);
      if (one.copies) memcpy(to, one.from, 16);
      else memset(to, 0, 16);
    }
}

} // namespace simt
