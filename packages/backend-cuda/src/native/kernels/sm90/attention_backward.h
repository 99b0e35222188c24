/* The two kernels of the gradient: each writes what is its own, so that no sum depends on who comes first. That in the queries runs before that in the
 * keys. */
#ifndef MB_SM90_ATTENTION_BACKWARD_H
#define MB_SM90_ATTENTION_BACKWARD_H

#include "kernels/attention/problem.h"

void attention_backward_queries_sm90(const mb_attention &p, cudaStream_t stream);
void attention_backward_keys_sm90(const mb_attention &p, cudaStream_t stream);

#endif
