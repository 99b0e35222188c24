/* TMA. A load poisons its box at once and fills it when a thread looks at its barrier; a store is read when it is queued and again when its thread
 * waits, and written as late as the kernel allows. */
#include "simt/tensor_map.h"

#include <algorithm>
#include <vector>

#include "simt/hopper/memory.h"

namespace simt {

namespace {

struct map_content {
  const unsigned char *data;
  uint64_t strides[most_map_axes - 1];
  uint32_t extents[most_map_axes], box[most_map_axes], axes, mode;
};
static_assert(sizeof(map_content) <= sizeof(mb_tensor_map), "128 bytes");

constexpr uint32_t item_bytes = 2;

struct transfer {
  map_content map;
  int32_t at[most_map_axes];
  uint32_t shared, barrier, bytes;
  std::vector<unsigned char> content; /* of a store */
};

struct thread_stores {
  std::vector<transfer> open;
  std::vector<std::vector<transfer>> groups;
};

struct transfers {
  uint64_t block = 0;
  std::vector<transfer> loads;
  std::vector<thread_stores> threads;
  std::vector<transfer> read; /* stores that others do not see yet */
};

thread_local transfers made;

void write_store(const transfer &store);

void end_block() {
  if (made.block != block_serial()) return;
  if (!made.loads.empty()) stop("a block ends while loads are under way: nobody waited at their barrier");
  for (const thread_stores &thread : made.threads)
    if (!thread.open.empty() || !thread.groups.empty()) stop("a block ends while stores read its shared memory: commit_stores and wait_stores_read are missing");
  for (const transfer &store : made.read) write_store(store);
  made.read.clear();
}

transfers &own() {
  if (made.block != block_serial()) {
    made = {};
    made.block = block_serial();
    made.threads.resize(position().threads.x);
    at_block_end(end_block);
  }
  return made;
}

transfer transfer_of(const mb_tensor_map *map, const int32_t *coordinates, int axes, uint32_t shared) {
  transfer made_of{};
  memcpy(&made_of.map, map, sizeof made_of.map);
  if ((int)made_of.map.axes != axes) refuse("a tensor map of %u axes is used with %d coordinates", made_of.map.axes, axes);
  std::copy(coordinates, coordinates + axes, made_of.at);
  made_of.bytes = item_bytes;
  for (int axis = 0; axis < axes; axis++) made_of.bytes *= made_of.map.box[axis];
  const uint32_t multiple = pattern_bytes((swizzle)made_of.map.mode);
  if (shared % multiple != 0) refuse("a box of this swizzle lies at a multiple of %u bytes of shared memory, got %u", multiple, shared);
  at_shared(shared, made_of.bytes, "a box");
  made_of.shared = shared;
  return made_of;
}

/* Calls `use(place in shared memory, device memory or null outside)` for chunks of 16 bytes, and of less at the end of axis 0. */
template <typename Use> void for_chunks(const transfer &one, const Use &use) {
  const map_content &map = one.map;
  const uint32_t per_row = map.box[0] * item_bytes / 16, chunks = one.bytes / 16;
  for (uint32_t chunk = 0; chunk < chunks; chunk++) {
    uint32_t row = chunk / per_row;
    bool inside = true;
    const unsigned char *data = map.data;
    for (uint32_t axis = 1; axis < map.axes; axis++) {
      const int64_t at = (int64_t)one.at[axis] + row % map.box[axis];
      row /= map.box[axis];
      inside = inside && at >= 0 && at < (int64_t)map.extents[axis];
      data += at * (int64_t)map.strides[axis - 1];
    }
    const uint32_t to = permuted(one.shared + 16 * chunk, (swizzle)map.mode);
    for (uint32_t item = 0; item < 8; item++) {
      const int64_t at = (int64_t)one.at[0] + (chunk % per_row) * 8 + item;
      const bool within = inside && at >= 0 && at < (int64_t)map.extents[0];
      use(to + item * item_bytes, within ? data + at * item_bytes : nullptr);
    }
  }
}

void write_store(const transfer &store) {
  for_chunks(store, [&](uint32_t from, const unsigned char *to) {
    if (to) memcpy(const_cast<unsigned char *>(to), store.content.data() + (from - store.shared), item_bytes);
  });
}

} // namespace

void tensor_load(uint32_t to, const mb_tensor_map *map, const int32_t *coordinates, int axes, uint32_t barrier) {
  transfer load = transfer_of(map, coordinates, axes, to);
  load.barrier = barrier;
  expect_loadable(barrier);
  expect_published(to, load.bytes, "a load");
  for (const transfer &other : own().loads)
    if (other.shared < to + load.bytes && to < other.shared + other.bytes) stop("two loads to the same shared memory are under way");
  const std::vector<unsigned char> poison(load.bytes, 0xff);
  write_shared(to, poison.data(), poison.size());
  own().loads.push_back(load);
}

void end_loads(uint32_t barrier) {
  std::vector<transfer> &loads = own().loads;
  for (size_t i = 0; i < loads.size();) {
    if (loads[i].barrier != barrier) {
      i++;
      continue;
    }
    const transfer load = loads[i];
    loads.erase(loads.begin() + (ptrdiff_t)i);
    const unsigned char zero[item_bytes] = {};
    for_chunks(load, [&](uint32_t to, const unsigned char *from) { write_shared(to, from ? from : zero, item_bytes); });
    barrier_bytes(barrier, load.bytes);
  }
}

void tensor_store(const mb_tensor_map *map, const int32_t *coordinates, int axes, uint32_t from) {
  transfer store = transfer_of(map, coordinates, axes, from);
  expect_published(from, store.bytes, "a store");
  const unsigned char *const bytes = at_shared(from, store.bytes, "a store");
  store.content.assign(bytes, bytes + store.bytes);
  own().threads[position().thread.x].open.push_back(std::move(store));
}

void commit_stores() {
  thread_stores &thread = own().threads[position().thread.x];
  thread.groups.push_back(std::move(thread.open));
  thread.open.clear();
}

void wait_stores(unsigned left, bool read) {
  transfers &all = own();
  auto &groups = all.threads[position().thread.x].groups;
  while (groups.size() > left) {
    for (transfer &store : groups.front()) {
      if (memcmp(at_shared(store.shared, store.bytes, "a store"), store.content.data(), store.bytes) != 0)
        refuse("shared memory at %u was overwritten while a store reads it: wait_stores_read comes first", store.shared);
      if (read) all.read.push_back(std::move(store));
      else write_store(store);
    }
    groups.erase(groups.begin());
  }
}

} // namespace simt

CUresult encode_tensor_map(mb_tensor_map *map, const void *data, const mb_box_shape &shape) {
  if ((uintptr_t)data % 16 != 0 || data == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (shape.axes < 1 || shape.axes > most_map_axes) return CUDA_ERROR_INVALID_VALUE;
  simt::map_content content{};
  content.data = static_cast<const unsigned char *>(data);
  content.axes = (uint32_t)shape.axes;
  content.mode = (uint32_t)shape.mode;
  for (int axis = 0; axis < shape.axes; axis++) {
    if (shape.extents[axis] == 0 || shape.extents[axis] > (uint64_t)1 << 32) return CUDA_ERROR_INVALID_VALUE;
    if (shape.box[axis] == 0 || shape.box[axis] > 256) return CUDA_ERROR_INVALID_VALUE;
    content.extents[axis] = (uint32_t)std::min<uint64_t>(shape.extents[axis], UINT32_MAX);
    content.box[axis] = shape.box[axis];
    if (axis == 0) continue;
    const uint64_t stride = shape.strides[axis - 1];
    if (stride % 16 != 0 || stride >= (uint64_t)1 << 40) return CUDA_ERROR_INVALID_VALUE;
    if (axis > 1 && stride % shape.strides[axis - 2] != 0) return CUDA_ERROR_INVALID_VALUE;
    content.strides[axis - 1] = stride;
  }
  const uint32_t row = shape.box[0] * simt::item_bytes, span = shape.mode == swizzle::none ? 0 : simt::pattern_bytes(shape.mode) / 8;
  if (row % 16 != 0 || (span > 0 && row > span)) return CUDA_ERROR_INVALID_VALUE;
  if (span > 0 && row < span) simt::stop("a box whose rows are shorter than its swizzle is not emulated");
  memset(map, 0, sizeof *map);
  memcpy(map, &content, sizeof content);
  return CUDA_SUCCESS;
}
