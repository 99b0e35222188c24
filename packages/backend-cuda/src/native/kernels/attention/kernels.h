/* The kernels of attention by dtype; each queues all that its pass needs. */
#ifndef MB_ATTENTION_KERNELS_H
#define MB_ATTENTION_KERNELS_H

#include "kernels/attention/problem.h"

/* f32, without tensor cores, for heads of any size up to 128. */
void attention_forward_f32(const mb_attention &p, cudaStream_t stream);
void attention_backward_f32(const mb_attention &p, cudaStream_t stream);

/* bf16 on sm_90, by wgmma and TMA: what they take, long sequences without a window. */
bool attention_takes_sm90(const mb_attention &p);
void attention_forward_sm90(const mb_attention &p, cudaStream_t stream);
void attention_backward_sm90(const mb_attention &p, cudaStream_t stream);

#endif
