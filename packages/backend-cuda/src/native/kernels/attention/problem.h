/* One call of attention, as its kernels see it. */
#ifndef MB_ATTENTION_PROBLEM_H
#define MB_ATTENTION_PROBLEM_H

#include "base/philox.h"
#include "engine/call.h"

/* Where q or k come from: that of token 0 and head 0, elements from one token to the next, and whether they are still to be turned. */
struct mb_source {
  const void *data;
  int64_t stride;
  bool turns;
};

struct mb_attention {
  mb_source q, k;           /* of 16-bit kernels: parts of qkv, or turned copies */
  const void *qkv;          /* [tokens, 3, heads, width] */
  const int32_t *ends;      /* [sequences + 1] */
  const float *cos, *sin;   /* [positions, width / 2], or none */
  const int32_t *key_counts; /* [sequences], or none */
  int tokens, sequences, heads, width, positions;
  int window; /* at most `tokens` */
  int64_t longest; /* maxSeqlen: no sequence is longer; and the extent of a draw's last axis */
  float scale, scale_log2; /* the latter for powers of two */
  float drop_rate; /* 0: nothing is dropped */
  mb_draw draw;
  mb_id_check bad_position, bad_ends;

  void *out;  /* [tokens, heads, width] */
  float *lse; /* [heads, tokens]: log2 of the sum of 2^(score · scale_log2), infinity where no key is seen; or none */

  /* Of the backward. */
  const void *grad_out; /* as `out` */
  void *grad_qkv;       /* as `qkv` */
  float *delta;         /* [heads, tokens]: Σ out · grad_out */

  /* Elements from one token to the next, in qkv and in out. */
  MB_CLOSE int64_t qkv_stride() const { return 3 * out_stride(); }
  MB_CLOSE int64_t out_stride() const { return (int64_t)heads * width; }
};

/* views: qkv, cuSeqlens, cos, sin, keyCounts, step, out, lse, then those of the backward: grad_out, grad_qkv, delta; at last memory for turned
 * copies (turn.h), or none.
 * attributes: scale, window (-1: none), maxSeqlen, rate of the dropout (0: none), its key and counter. */
inline mb_attention attention_of(const mb_call &call) {
  const mb_view *v = call.views;
  const double *a = call.attributes;
  mb_attention p = {};
  p.qkv = v[0].data;
  p.ends = (const int32_t *)v[1].data;
  p.cos = (const float *)v[2].data, p.sin = (const float *)v[3].data;
  p.key_counts = (const int32_t *)v[4].data;
  p.out = v[6].data;
  p.lse = (float *)v[7].data;
  p.tokens = (int)v[0].shape[0], p.heads = (int)v[0].shape[2], p.width = (int)v[0].shape[3];
  p.sequences = (int)v[1].shape[0] - 1;
  p.positions = p.cos ? (int)v[2].shape[0] : 0;
  p.scale = (float)a[0];
  p.scale_log2 = (float)(a[0] * 1.4426950408889634);
  p.window = a[1] < 0 || a[1] > p.tokens ? p.tokens : (int)a[1];
  p.longest = (int64_t)a[2];
  p.drop_rate = (float)a[3];
  p.draw = draw_of(a + 4, v[5]);
  p.q = {p.qkv, p.qkv_stride(), p.cos != nullptr};
  p.k = {(const uint16_t *)p.qkv + p.out_stride(), p.qkv_stride(), p.cos != nullptr};
  p.bad_position = id_check(call, p.positions);
  p.bad_ends = ends_check(call, p.tokens);
  return p;
}

/* With the gradients' views. */
inline mb_attention attention_gradient_of(const mb_call &call) {
  mb_attention p = attention_of(call);
  p.grad_out = call.views[8].data;
  p.grad_qkv = call.views[9].data;
  p.delta = (float *)call.views[10].data;
  return p;
}

#endif
