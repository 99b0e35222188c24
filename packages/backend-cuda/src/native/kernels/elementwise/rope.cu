/* Rotary embedding by halves: element i of a head turns with element i + D/2, in q and k; v is copied. A block per token. */
#include "base/pack.h"
#include "engine/call.h"

namespace {

struct rotation {
  int heads, half;
  float direction; /* 1, or -1 for the gradient */
  mb_dense out, qkv, cos, sin;
  const int32_t *positions;
  mb_id_check check;
};

} // namespace

/* Where the cos and sin of the block's token begin; -1 for a bad position, which one thread reports and which turns q and k to zeros. */
static __device__ int64_t angles_of_block(const rotation &r) {
  const int32_t position = r.positions[blockIdx.x];
  const bool bad = position < 0 || position >= r.check.count;
  if (bad && threadIdx.x == 0) claim_fault(r.check, position);
  return bad ? -1 : (int64_t)position * r.half;
}

/* Item i of a token's 3 · H · D/2 pairs: where its first element lies, and which pair of the head it is. */
struct pair_place {
  int64_t first;
  int pair;
  bool turns;
};

static __device__ pair_place place_of(const rotation &r, int i) {
  const int head = i / r.half, pair = i % r.half;
  return {((int64_t)blockIdx.x * 3 * r.heads + head) * 2 * r.half + pair, pair, head < 2 * r.heads};
}

static __global__ void rope_packs(rotation r) {
  const int64_t angles = angles_of_block(r);
  for (int i = threadIdx.x * pack_size; i < 3 * r.heads * r.half; i += blockDim.x * pack_size) {
    const pair_place place = place_of(r, i);
    const mb_pack packs[2] = {fetch(r.qkv, place.first), fetch(r.qkv, place.first + r.half)};
    float a[pack_size], b[pack_size], cos[pack_size] = {}, sin[pack_size] = {};
    widen(packs[0], r.qkv.dtype, a);
    widen(packs[1], r.qkv.dtype, b);
    if (place.turns) {
      if (angles >= 0) load_pack(r.cos, angles + place.pair, cos), load_pack(r.sin, angles + place.pair, sin);
      for (int j = 0; j < pack_size; j++) {
        const float first = a[j] * cos[j] - r.direction * b[j] * sin[j];
        b[j] = b[j] * cos[j] + r.direction * a[j] * sin[j];
        a[j] = first;
      }
    }
    store_pack(r.out, place.first, a);
    store_pack(r.out, place.first + r.half, b);
  }
}

static __global__ void rope_elements(rotation r) {
  const int64_t angles = angles_of_block(r);
  for (int i = threadIdx.x; i < 3 * r.heads * r.half; i += blockDim.x) {
    const pair_place place = place_of(r, i);
    const float a = load(r.qkv, place.first), b = load(r.qkv, place.first + r.half);
    const float cos = !place.turns ? 1 : angles < 0 ? 0 : load(r.cos, angles + place.pair);
    const float sin = !place.turns || angles < 0 ? 0 : r.direction * load(r.sin, angles + place.pair);
    store(r.out, place.first, place.turns ? a * cos - b * sin : a);
    store(r.out, place.first + r.half, place.turns ? b * cos + a * sin : b);
  }
}

/* views: out [T, 3, H, D], qkv [T, 3, H, D], cos [P, D/2], sin [P, D/2], positions [T]; attributes: direction. */
void op_rope(const mb_call &call) {
  const mb_view *v = call.views;
  const rotation r = {(int)v[0].shape[2], (int)v[0].shape[3] / 2, (float)call.attributes[0], dense(v[0]), dense(v[1]), dense(v[2]), dense(v[3]),
                      (const int32_t *)v[4].data, id_check(call, v[2].shape[0])};
  const int64_t tokens = v[0].shape[0];
  if (size_of(v[0]) == 0) return;
  bool packs = r.half % pack_size == 0;
  for (const mb_dense &x : {r.out, r.qkv, r.cos, r.sin}) packs = packs && holds_packs(x);
  const int items = 3 * r.heads * r.half / (packs ? pack_size : 1), turns = (items + 255) / 256;
  launch(packs ? rope_packs : rope_elements, tokens, (unsigned)(((items + turns - 1) / turns + 31) / 32 * 32), call.stream, r);
}
