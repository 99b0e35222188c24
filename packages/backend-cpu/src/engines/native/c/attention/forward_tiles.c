/* Attention's forward on AMX tiles (attention/forward_amx.c) for any float dtype: tiles are loaded from f32, so other numbers are widened before,
 * and the result is rounded after. */
#include "attention/attention.h"
#include "base/convert.h"

#if defined(__AMX_BF16__)
typedef struct {
  const void *from;
  int32_t from_dtype, to_dtype;
  void *to;
  int64_t size;
} convert_context;

static void convert_task(void *opaque, int64_t row, int worker) {
  (void)worker;
  const convert_context *c = opaque;
  const int64_t at = row * c->size;
  if (c->to_dtype == MB_F32) mb_as_f32(c->from, c->from_dtype, at, c->size, (float *)c->to + at);
  else mb_put_f32((const float *)c->from + at, c->size, c->to, c->to_dtype, at);
}

void MB_FN(mb_attention_forward_on_tiles)(attention_forward_call *call, const int32_t *cu_seqlens, int64_t sequences) {
  const attention_shape *shape = &call->shape;
  if (call->dtype == MB_F32) {
    MB_FN(mb_attention_forward_amx)(call, cu_seqlens, sequences);
    return;
  }
  const int64_t out_row = shape->heads * shape->dim, tokens = shape->tokens;
  attention_forward_call wide = *call;
  float *room = mb_scratch(0, MB_SLOT_KERNEL_2, sizeof(float) * (size_t)MB_MAX(1, tokens * (shape->row + out_row)));
  wide.dtype = MB_F32, wide.qkv = room, wide.out = room + tokens * shape->row;
  mb_parallel(tokens, convert_task, &(convert_context){call->qkv, call->dtype, MB_F32, room, shape->row});
  MB_FN(mb_attention_forward_amx)(&wide, cu_seqlens, sequences);
  mb_parallel(tokens, convert_task, &(convert_context){wide.out, MB_F32, call->dtype, call->out, out_row});
}
#else
typedef int nothing_here; /* tiles are not compiled in */
#endif
