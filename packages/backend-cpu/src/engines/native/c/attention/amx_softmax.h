/* Online softmax of a group of queries on AMX tiles, 32 keys at a time: masks, maxima, probabilities. */
#ifndef MB_ATTENTION_AMX_SOFTMAX_H
#define MB_ATTENTION_AMX_SOFTMAX_H

#include "attention/amx_block.h"
#include "attention/amx_pack.h"

#if defined(__AMX_BF16__)
#define GROUP AMX_BLOCK_LINES /* queries */

/* A group of queries, from `query` on, against `blocks` times 32 keys, from `key` on. */
typedef struct {
  int64_t query, key, blocks;
  int64_t slot; /* where the state of the group is */
  int64_t window, last_key;
  int first, last; /* step of the group */
  float *scores;   /* [key][GROUP] */
  vf factor[2];    /* what earlier sums are worth under the new maximum */
} key_step;

/* Masks the scores of 32 keys where the window or the sequence ends. */
static void mask_scores(float *scores, const key_step *s, int64_t first) {
  for (int r = 0; r < 32; r++)
    for (int v = 0; v < 2; v++) {
      const int64_t key = first + r;
      const vi distance = v_lanes() + (int32_t)(s->query + v * VL - key);
      const int32_t window = key <= s->last_key ? (int32_t)MB_MIN(s->window, INT32_MAX) : -1;
      float *at = scores + r * GROUP + v * VL;
      v_store(at, v_blend((distance <= window) & (distance >= -window), v_load(at), v_set(-INFINITY)));
    }
}

/* Takes the scores of 32 more keys into the maximum. */
static void raise_maximum(const key_step *s, int64_t k, vf maximum[2]) {
  const int64_t first = s->key + k * 32;
  float *scores = s->scores + k * 32 * GROUP;
  if (first < s->query + GROUP - 1 - s->window || first + 31 > MB_MIN(s->query + s->window, s->last_key)) mask_scores(scores, s, first);
  vf largest[4][2];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
#pragma GCC unroll 2
    for (int v = 0; v < 2; v++) largest[i][v] = v_load(scores + i * GROUP + v * VL);
  for (int r = 4; r < 32; r += 4)
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
#pragma GCC unroll 2
      for (int v = 0; v < 2; v++) largest[i][v] = v_greater_of(v_load(scores + (r + i) * GROUP + v * VL), largest[i][v]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
#pragma GCC unroll 2
    for (int v = 0; v < 2; v++) maximum[v] = v_greater_of(largest[i][v], maximum[v]);
}

/* Turns scores into probabilities: keys from…to-1 of the first 16 of a block, and as many of the other 16. */
MB_INLINE void soften(const float *scores, char *probabilities, int64_t from, int64_t to, const vf maximum[2], vf total[2][2]) {
  for (int64_t r = from; r < to; r++)
#pragma GCC unroll 2
    for (int v = 0; v < 2; v++) {
      const float *at = scores + r * GROUP + v * VL;
      const vf low = v_exp2_negative(v_load(at) - maximum[v]), high = v_exp2_negative(v_load(at + 16 * GROUP) - maximum[v]);
      total[0][v] += low;
      total[1][v] += high;
      amx_split(probabilities + v * MB_AMX_TILE_BYTES + r * 64, low, high);
    }
}
#endif

#endif
