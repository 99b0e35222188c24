#include "base/strided.h"

#include "base/convert.h"

void MB_FN(mb_coalesce)(mb_view *const *views, int count) {
  const int32_t rank = views[0]->rank;
  int32_t kept = 0;
  for (int32_t axis = 0; axis < rank; axis++) {
    const int64_t extent = views[0]->shape[axis];
    if (extent == 1) continue;
    int merge = kept > 0;
    for (int v = 0; v < count && merge; v++) merge = views[v]->stride[kept - 1] == views[v]->stride[axis] * extent;
    for (int v = 0; v < count; v++) {
      mb_view *view = views[v];
      const int32_t to = merge ? kept - 1 : kept;
      view->shape[to] = merge ? view->shape[to] * extent : extent;
      view->stride[to] = view->stride[axis];
    }
    kept += !merge;
  }
  for (int v = 0; v < count; v++) views[v]->rank = kept;
}

/* A position in a view: the index along each axis and the element offset it stands for. */
typedef struct {
  int64_t index[MB_MAX_RANK];
  int64_t offset;
} cursor;

static cursor cursor_at(const mb_view *view, int64_t position) {
  cursor at = {{0}, 0};
  for (int32_t axis = view->rank - 1; axis >= 0; axis--) {
    at.index[axis] = position % view->shape[axis];
    position /= view->shape[axis];
    at.offset += at.index[axis] * view->stride[axis];
  }
  return at;
}

/* Moves on by a run along the last axis that ends at most at its end. */
static void advance(cursor *at, const mb_view *view, int64_t run) {
  int32_t axis = view->rank - 1;
  at->index[axis] += run;
  at->offset += run * view->stride[axis];
  while (axis > 0 && at->index[axis] == view->shape[axis]) {
    at->offset += view->stride[axis - 1] - at->index[axis] * view->stride[axis];
    at->index[axis] = 0;
    at->index[--axis]++;
  }
}

/* Calls RUN(count, stride, offset, done) for the runs along the last axis that make up n elements from `start`. */
#define FOR_RUNS(view, start, n, RUN)                                              \
  if ((view)->rank == 0) {                                                         \
    if ((n) > 0) RUN((int64_t)1, (int64_t)1, (int64_t)0, (int64_t)0);              \
    return;                                                                        \
  }                                                                                \
  const int32_t last = (view)->rank - 1;                                           \
  cursor at = cursor_at(view, start);                                              \
  for (int64_t done = 0, run; done < (n); done += run) {                           \
    run = MB_MIN((view)->shape[last] - at.index[last], (n) - done);                \
    RUN(run, (view)->stride[last], at.offset, done);                               \
    advance(&at, view, run);                                                       \
  }

#define LOAD_RUN(suffix, count, stride, offset, done)                                                                \
  do {                                                                                                               \
    const char *from = mb_element(view, offset);                                                                     \
    if ((stride) == 1) MB_FN(mb_to_##suffix)(from, view->dtype, count, to + (done));                                 \
    else {                                                                                                           \
      const int64_t step = (stride) * mb_bytes_of(view->dtype);                                                      \
      if (view->dtype == MB_F32)                                                                                     \
        for (int64_t i = 0; i < (count); i++) to[(done) + i] = *(const float *)(from + i * step);                    \
      else                                                                                                           \
        for (int64_t i = 0; i < (count); i++) MB_FN(mb_to_##suffix)(from + i * step, view->dtype, 1, to + (done) + i); \
    }                                                                                                                \
  } while (0)

#define STORE_RUN(suffix, count, stride, offset, done)                                                                 \
  do {                                                                                                                 \
    char *to = mb_element(view, offset);                                                                               \
    if ((stride) == 1) MB_FN(mb_from_##suffix)(from + (done), count, to, view->dtype);                                 \
    else {                                                                                                             \
      const int64_t step = (stride) * mb_bytes_of(view->dtype);                                                        \
      for (int64_t i = 0; i < (count); i++) MB_FN(mb_from_##suffix)(from + (done) + i, 1, to + i * step, view->dtype); \
    }                                                                                                                  \
  } while (0)

#define LOAD_F32(...) LOAD_RUN(f32, __VA_ARGS__)
#define LOAD_F64(...) LOAD_RUN(f64, __VA_ARGS__)
#define STORE_F32(...) STORE_RUN(f32, __VA_ARGS__)
#define STORE_F64(...) STORE_RUN(f64, __VA_ARGS__)

void MB_FN(mb_load_f32)(const mb_view *view, int64_t start, int64_t n, float *to) { FOR_RUNS(view, start, n, LOAD_F32) }

void MB_FN(mb_load_f64)(const mb_view *view, int64_t start, int64_t n, double *to) { FOR_RUNS(view, start, n, LOAD_F64) }

void MB_FN(mb_store_f32)(const mb_view *view, int64_t start, int64_t n, const float *from) { FOR_RUNS(view, start, n, STORE_F32) }

void MB_FN(mb_store_f64)(const mb_view *view, int64_t start, int64_t n, const double *from) { FOR_RUNS(view, start, n, STORE_F64) }
