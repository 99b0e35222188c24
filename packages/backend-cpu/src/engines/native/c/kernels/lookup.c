/* gather, and its inverse segmentSum: rows of a table by id. */
#include "base/convert.h"
#include "base/ids.h"
#include "base/parallel.h"
#include "base/strided.h"

#define TASK_BYTES (64 << 10)

typedef struct {
  mb_view out, in;
  const int32_t *ids;
  int64_t count, rows, width, per_task;
  int64_t *order; /* segmentSum: positions of the ids, sorted by id; then where each id's positions begin */
  int64_t *begin;
} lookup_context;

static void gather_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const lookup_context *c = opaque;
  const int64_t item = mb_bytes_of(c->out.dtype), end = MB_MIN(c->count, (task + 1) * c->per_task);
  for (int64_t i = task * c->per_task; i < end; i++) {
    char *to = (char *)c->out.data + i * c->width * item;
    if (mb_bad_id("gather", c->ids[i], c->rows)) memset(to, 0, (size_t)(c->width * item));
    else memcpy(to, (const char *)c->in.data + c->ids[i] * c->width * item, (size_t)(c->width * item));
  }
}

void MB_FN(mb_op_gather)(const mb_view *views, const double *attributes) {
  (void)attributes;
  lookup_context c = {.out = views[0], .in = views[1], .ids = views[2].data, .count = views[2].shape[0]};
  c.rows = c.in.shape[0];
  c.width = c.in.shape[1];
  c.per_task = MB_MAX(1, TASK_BYTES / MB_MAX(1, c.width * mb_bytes_of(c.out.dtype)));
  mb_parallel((c.count + c.per_task - 1) / c.per_task, gather_task, &c);
}

static void add_f32(float *sum, const float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) sum[i] += x[i];
}

/* Sums rows in f64 when that is the dtype, else in f32. */
static void segment_task(void *opaque, int64_t task, int worker) {
  const lookup_context *c = opaque;
  const int64_t width = c->width, item = mb_bytes_of(c->out.dtype), in_item = mb_bytes_of(c->in.dtype);
  const int wide = c->out.dtype == MB_F64 || c->out.dtype == MB_I32 || c->out.dtype == MB_U32;
  double *scratch = mb_scratch(worker, MB_SLOT_CONVERT, (size_t)width * 2 * sizeof(double));
  const int64_t end = MB_MIN(c->rows, (task + 1) * c->per_task);
  for (int64_t row = task * c->per_task; row < end; row++) {
    char *to = (char *)c->out.data + row * width * item;
    const int in_place = c->out.dtype == MB_F32;
    float *sum = in_place ? (float *)to : (float *)scratch;
    memset(in_place ? to : (char *)scratch, 0, (size_t)(width * (wide ? 8 : 4)));
    for (int64_t k = c->begin[row]; k < c->begin[row + 1]; k++) {
      const char *from = (const char *)c->in.data + c->order[k] * width * in_item;
      if (wide) {
        MB_FN(mb_to_f64)(from, c->in.dtype, width, scratch + width);
        for (int64_t i = 0; i < width; i++) scratch[i] += scratch[width + i];
      } else if (c->in.dtype == MB_F32) {
        add_f32(sum, (const float *)from, width);
      } else {
        float *converted = (float *)(scratch + width);
        MB_FN(mb_to_f32)(from, c->in.dtype, width, converted);
        add_f32(sum, converted, width);
      }
    }
    if (wide) MB_FN(mb_from_f64)(scratch, width, to, c->out.dtype);
    else if (!in_place) MB_FN(mb_from_f32)(sum, width, to, c->out.dtype);
  }
}

/* A counting sort keeps equal ids in the order of i; each output row is then one task's. */
void MB_FN(mb_op_segment_sum)(const mb_view *views, const double *attributes) {
  (void)attributes;
  lookup_context c = {.out = views[0], .in = views[1], .ids = views[2].data, .count = views[2].shape[0]};
  c.rows = c.out.shape[0];
  c.width = c.out.shape[1];
  int64_t *memory = mb_scratch(0, MB_SLOT_KERNEL_0, (size_t)(c.rows + 2 + c.count) * sizeof(int64_t));
  /* begin[id + 1] counts, then holds where the next position of id goes; shifted by one, that is where each id begins. */
  int64_t *next = memory + 1;
  memset(memory, 0, (size_t)(c.rows + 2) * sizeof(int64_t));
  c.begin = memory;
  c.order = memory + c.rows + 2;
  for (int64_t i = 0; i < c.count; i++)
    if (!mb_bad_id("segmentSum", c.ids[i], c.rows)) next[c.ids[i] + 1]++;
  for (int64_t row = 0; row < c.rows; row++) next[row + 1] += next[row];
  for (int64_t i = 0; i < c.count; i++)
    if (c.ids[i] >= 0 && c.ids[i] < c.rows) c.order[next[c.ids[i]]++] = i;
  c.per_task = MB_MAX(1, TASK_BYTES / MB_MAX(1, c.width * mb_bytes_of(c.out.dtype)));
  mb_parallel((c.rows + c.per_task - 1) / c.per_task, segment_task, &c);
}
