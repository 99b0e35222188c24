/* Dropout of attention's probabilities. That of query t, head h and the k-th key of its sequence has the number (t · heads + h) · maxSeqlen + k
 * in the draw; so forward and backward, and any cut into tasks, drop the same ones. */
#ifndef MB_ATTENTION_DROPOUT_H
#define MB_ATTENTION_DROPOUT_H

#include "attention/tile.h"
#include "base/command.h"
#include "simd/philox.h"

typedef struct {
  int64_t row; /* maxSeqlen: numbers of one query and head */
  float rate, scale; /* a number below `rate` drops, the others are multiplied by `scale`; a rate of 0 drops none */
  uint32_t key[2], counter[2];
} attention_dropout;

/* attributes: maxSeqlen, rate, key, counter; `step` has two words that are added to the counter, or is NULL. */
static inline attention_dropout attention_dropout_of(const double *attributes, const uint32_t *step) {
  attention_dropout dropout = {.row = (int64_t)attributes[0], .rate = (float)attributes[1], .scale = (float)(1 / (1 - attributes[1]))};
  for (int i = 0; i < 2; i++) {
    dropout.key[i] = (uint32_t)(int64_t)attributes[2 + i];
    dropout.counter[i] = (uint32_t)(int64_t)attributes[4 + i] + (step ? step[i] : 0);
  }
  return dropout;
}

static inline vf dropout_factor(const attention_dropout *d, vu word) {
  return v_blend(philox_uniform(word) < d->rate, v_set(0), v_set(d->scale));
}

/* scores[key][lane] times their factors; lane i of the vector is the query whose numbers begin at `first` + i · `stride`, `key` and `count`
 * are multiples of 4. */
static inline void drop_columns(const attention_dropout *d, float *scores, int64_t row_length, int64_t first, int64_t stride, int64_t key,
                                int64_t count) {
  uint32_t lows[VL], highs[VL];
  int32_t shifts[VL];
  for (int i = 0; i < VL; i++) {
    const uint64_t number = (uint64_t)(first + i * stride);
    lows[i] = (uint32_t)(number / 4), highs[i] = (uint32_t)(number / 4 >> 32), shifts[i] = (int32_t)(number % 4);
  }
  vu low, high;
  vi shift;
  memcpy(&low, lows, sizeof low), memcpy(&high, highs, sizeof high), memcpy(&shift, shifts, sizeof shift);
  const int aligned = !v_any(shift != 0);
  vu words[8] = {0};
  for (int64_t at = 0; at < count; at += 4) {
    vu upper = high;
    const vu block = philox_add(low, (uint32_t)((key + at) / 4), &upper);
    if (aligned || at == 0) philox(block, upper, d->key, d->counter, words);
    else memcpy(words, words + 4, 4 * sizeof *words);
    if (!aligned) {
      vu after = upper;
      const vu next = philox_add(block, 1, &after);
      philox(next, after, d->key, d->counter, words + 4);
    }
    for (int i = 0; i < 4; i++) {
      vu word = words[i];
      if (!aligned)
        for (int s = 1; s < 4; s++) word = (vu)v_blend(shift == s, (vf)words[i + s], (vf)word);
      float *score = scores + (at + i) * row_length;
      v_store(score, v_load(score) * dropout_factor(d, word));
    }
  }
}

/* factors[0 … count) of one query's keys, whose numbers begin at `first`. */
static inline void dropout_factors(const attention_dropout *d, float *factors, int64_t first, int64_t count) {
  uint32_t words[4 * VL];
  float lanes[4 * VL];
  for (int64_t at = -(first % 4); at < count; at += 4 * VL) {
    philox_run((uint64_t)(first + at) / 4, d->key, d->counter, words);
    for (int v = 0; v < 4; v++) {
      vu word;
      memcpy(&word, words + v * VL, sizeof word);
      v_store(lanes + v * VL, dropout_factor(d, word));
    }
    const int64_t skip = at < 0 ? -at : 0, n = MB_MIN(4 * VL, count - at);
    memcpy(factors + at + skip, lanes + skip, sizeof(float) * (size_t)(n - skip));
  }
}

#endif
