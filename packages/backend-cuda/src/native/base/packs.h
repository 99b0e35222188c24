/* Four neighbouring elements at once: one access where they lie at a multiple of their size, else one by one. */
#ifndef MB_PACKS_H
#define MB_PACKS_H

#include "base/convert.h"

template <typename T> struct alignas(4 * sizeof(T)) mb_pack {
  T at[4];
};

/* Whether packs may begin at `data`. */
inline bool fits_packs(const void *data, int32_t dtype) { return (uintptr_t)data % (4 * (size_t)bytes_of(dtype)) == 0; }

/* Elements at, at + 1, …, as many as `count` says, zeros after them. `whole`: there are four and they may be read at once. */
MB_CLOSE mb_pack<float> load_pack(const void *data, int32_t dtype, int64_t at, int64_t count, bool whole) {
  mb_pack<float> values;
  if (whole && dtype == MB_F32) return *(const mb_pack<float> *)((const float *)data + at);
  if (whole) {
    const mb_pack<uint16_t> bits = *(const mb_pack<uint16_t> *)((const uint16_t *)data + at);
#pragma unroll
    for (int i = 0; i < 4; i++) values.at[i] = dtype == MB_BF16 ? f32_of_bf16(bits.at[i]) : f32_of_f16(bits.at[i]);
    return values;
  }
#pragma unroll
  for (int i = 0; i < 4; i++) values.at[i] = i < count ? load_f32(data, dtype, at + i) : 0;
  return values;
}

MB_CLOSE void store_pack(void *data, int32_t dtype, int64_t at, const mb_pack<float> &values, int64_t count, bool whole) {
  if (whole && dtype == MB_F32) {
    *(mb_pack<float> *)((float *)data + at) = values;
  } else if (whole) {
    mb_pack<uint16_t> bits;
#pragma unroll
    for (int i = 0; i < 4; i++) bits.at[i] = dtype == MB_BF16 ? bf16_of_f32(values.at[i]) : f16_of_f32(values.at[i]);
    *(mb_pack<uint16_t> *)((uint16_t *)data + at) = bits;
  } else {
#pragma unroll
    for (int i = 0; i < 4; i++)
      if (i < count) store_f32(data, dtype, at + i, values.at[i]);
  }
}

#endif
