/* Strided views as streams of elements in row-major order, read and written in blocks of f32 or f64. */
#ifndef MB_STRIDED_H
#define MB_STRIDED_H

#include "base/command.h"

/* Elements of a block that kernels work on at a time: registers of that size stay in the L1 cache. */
#define MB_BLOCK 1024

/* Merges neighbouring axes wherever all `count` views allow it and drops axes of extent 1. All have one shape. */
void MB_FN(mb_coalesce)(mb_view *const *views, int count);

/* Elements start … start+n-1 of the view, converted. */
void MB_FN(mb_load_f32)(const mb_view *view, int64_t start, int64_t n, float *to);
void MB_FN(mb_load_f64)(const mb_view *view, int64_t start, int64_t n, double *to);
void MB_FN(mb_store_f32)(const mb_view *view, int64_t start, int64_t n, const float *from);
void MB_FN(mb_store_f64)(const mb_view *view, int64_t start, int64_t n, const double *from);

/* True for a coalesced view whose elements lie one after another. */
static inline int mb_is_contiguous(const mb_view *coalesced) {
  return coalesced->rank == 0 || (coalesced->rank == 1 && coalesced->stride[0] == 1);
}

/* True for a coalesced view that repeats one element. */
static inline int mb_is_uniform(const mb_view *coalesced) {
  return coalesced->rank == 0 || (coalesced->rank == 1 && coalesced->stride[0] == 0);
}

static inline char *mb_element(const mb_view *view, int64_t offset) {
  return (char *)view->data + offset * mb_bytes_of(view->dtype);
}

#endif
