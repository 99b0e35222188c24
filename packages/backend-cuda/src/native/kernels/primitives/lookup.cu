/* gather and takeAlong copy elements as they are. */
#include "engine/call.h"

struct alignas(16) sixteen_bytes {
  uint64_t words[2];
};

/* A row of the table is so many units. */
template <typename Unit>
static __global__ void gather_kernel(Unit *out, const Unit *table, const int32_t *ids, int64_t size, int64_t units, mb_id_check check) {
  MB_LOOP(i, size) {
    const int64_t row = i / units, unit = i - row * units;
    const int32_t id = ids[row];
    const bool bad = id < 0 || id >= check.count;
    if (bad && unit == 0) claim_fault(check, id);
    out[i] = bad ? Unit() : table[id * units + unit];
  }
}

template <typename Unit> static void gather(const mb_call &call) {
  const mb_view &out = call.views[0], &table = call.views[1];
  const int64_t units = out.shape[1] * bytes_of(out.dtype) / (int64_t)sizeof(Unit), size = out.shape[0] * units;
  launch(gather_kernel<Unit>, loop_blocks(size), loop_threads, call.stream, (Unit *)out.data, (const Unit *)table.data, (const int32_t *)call.views[2].data,
         size, units, id_check(call, table.shape[0]));
}

/* views: out [N, D], table [V, D], ids [N]. */
void op_gather(const mb_call &call) {
  const mb_view &out = call.views[0];
  if (size_of(out) == 0) return;
  const uint64_t together = (uint64_t)out.data | (uint64_t)call.views[1].data | (uint64_t)(out.shape[1] * bytes_of(out.dtype));
  if (together % 16 == 0) gather<sixteen_bytes>(call);
  else if (together % 4 == 0) gather<uint32_t>(call);
  else gather<uint16_t>(call);
}

template <typename Element>
static __global__ void take_kernel(Element *out, const Element *x, const int32_t *ids, int64_t size, int64_t picks, mb_id_check check) {
  MB_LOOP(i, size) {
    const int32_t id = ids[i];
    out[i] = bad_id(check, id) ? Element() : x[i / picks * check.count + id];
  }
}

template <typename Element> static void take(const mb_call &call) {
  const mb_view *v = call.views;
  const int64_t size = size_of(v[0]);
  launch(take_kernel<Element>, loop_blocks(size), loop_threads, call.stream, (Element *)v[0].data, (const Element *)v[1].data,
         (const int32_t *)v[2].data, size, v[2].shape[1], id_check(call, v[1].shape[1]));
}

/* views: out [R, J], x [R, K], ids [R, J]. */
void op_take_along(const mb_call &call) {
  if (size_of(call.views[0]) == 0) return;
  if (bytes_of(call.views[0].dtype) == 2) take<uint16_t>(call);
  else take<uint32_t>(call);
}
