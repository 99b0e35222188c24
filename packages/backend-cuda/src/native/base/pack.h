/* Packs: eight neighbouring elements that a thread moves 16 bytes at a time. They are fetched as they lie in memory and widened later, so that
 * several loads are under way whatever the dtype; that is the same for all threads, so choosing by it costs a branch and no divergence. */
#ifndef MB_PACK_H
#define MB_PACK_H

#include "base/view.h"

constexpr int pack_size = 8;

struct alignas(16) mb_words {
  uint32_t word[4];
};

/* Elements of one dtype, one after another. Absent: nullptr. */
struct mb_dense {
  void *data;
  int32_t dtype;
};

MB_CLOSE mb_dense dense(const mb_view &view) { return {view.data, view.dtype}; }

/* Whether packs may begin at multiples of eight elements. */
inline bool holds_packs(const mb_dense &x) { return (uintptr_t)x.data % 16 == 0 && is_float(x.dtype); }

/* As it lies in memory: eight floats, or eight 16-bit numbers in the first four words. */
struct mb_pack {
  mb_words low, high;
};

MB_CLOSE mb_pack fetch(const mb_dense &x, int64_t at) {
  const mb_words *from = (const mb_words *)((const char *)x.data + at * bytes_of(x.dtype));
  mb_pack pack;
  pack.low = from[0];
  if (x.dtype == MB_F32) pack.high = from[1];
  return pack;
}

MB_CLOSE void widen(const mb_pack &pack, int32_t dtype, float (&to)[pack_size]) {
  if (dtype == MB_F32) {
    for (int i = 0; i < 4; i++) to[i] = float_of(pack.low.word[i]), to[4 + i] = float_of(pack.high.word[i]);
  } else if (dtype == MB_BF16) {
    for (int i = 0; i < 4; i++) to[2 * i] = float_of(pack.low.word[i] << 16), to[2 * i + 1] = float_of(pack.low.word[i] & 0xffff0000);
  } else {
    for (int i = 0; i < 4; i++)
      to[2 * i] = f32_of_f16((uint16_t)pack.low.word[i]), to[2 * i + 1] = f32_of_f16((uint16_t)(pack.low.word[i] >> 16));
  }
}

MB_CLOSE void load_pack(const mb_dense &x, int64_t at, float (&to)[pack_size]) { widen(fetch(x, at), x.dtype, to); }

/* Returns the numbers as they are stored. */
MB_CLOSE mb_pack store_pack(const mb_dense &x, int64_t at, const float (&values)[pack_size]) {
  mb_words *to = (mb_words *)((char *)x.data + at * bytes_of(x.dtype));
  mb_pack pack;
  if (x.dtype == MB_F32) {
    for (int i = 0; i < 4; i++) pack.low.word[i] = bits_of(values[i]), pack.high.word[i] = bits_of(values[4 + i]);
    to[1] = pack.high;
  } else if (x.dtype == MB_BF16) {
    for (int i = 0; i < 4; i++) pack.low.word[i] = bf16_of_f32(values[2 * i]) | (uint32_t)bf16_of_f32(values[2 * i + 1]) << 16;
  } else {
    for (int i = 0; i < 4; i++) pack.low.word[i] = f16_of_f32(values[2 * i]) | (uint32_t)f16_of_f32(values[2 * i + 1]) << 16;
  }
  to[0] = pack.low;
  return pack;
}

MB_CLOSE float load(const mb_dense &x, int64_t at) { return load_f32(x.data, x.dtype, at); }
MB_CLOSE void store(const mb_dense &x, int64_t at, float value) { store_f32(x.data, x.dtype, at, value); }

#endif
