/* Cross-entropy over hidden and weight in bf16 (kernels/cross_entropy_bf16.c). */
#ifndef MB_CROSS_ENTROPY_BF16_H
#define MB_CROSS_ENTROPY_BF16_H

#include "kernels/cross_entropy_rows.h"

/* logits [rows][COLUMNS] of a block of columns. */
void MB_FN(mb_entropy_logits_bf16)(const entropy_context *c, int64_t first, int64_t columns, float *logits, int worker);

/* The panels of the chunk's hidden that gradients of weights are made with. */
void MB_FN(mb_entropy_pack_hidden)(entropy_context *c);

/* From the gradients of a block's logits: those of its weights, and its part of the lane's gradient of hidden. */
void MB_FN(mb_entropy_gradients_bf16)(const entropy_context *c, int64_t lane, int64_t first, int64_t columns, const float *logits, int add_hidden, int worker);

#endif
