/* Dropout of probabilities: element (token, head, key) of a draw [T, H, maxSeqlen] of `randomBits`. */
#ifndef MB_ATTENTION_DROPOUT_H
#define MB_ATTENTION_DROPOUT_H

#include "kernels/attention/slots.h"

/* Words of a draw, of which neighbours come from one block. */
struct mb_drawn {
  uint64_t block = ~(uint64_t)0;
  uint32_t words[4] = {};

  __device__ bool kept(const mb_attention &p, int64_t element) {
    if ((uint64_t)element / 4 != block) {
      block = (uint64_t)element / 4;
      philox(p.draw, block, words);
    }
    const int word = (int)(element % 4);
    return uniform_of(word & 2 ? word & 1 ? words[3] : words[2] : word & 1 ? words[1] : words[0]) >= p.drop_rate;
  }
};

/* The number of a key in its draw; `token` counts from the first sequence, `key` in its own. */
MB_INLINE int64_t draw_element(const mb_attention &p, int token, int key) {
  return ((int64_t)token * p.heads + blockIdx.y) * p.longest + key;
}

#endif
