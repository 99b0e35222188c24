/* takeAlong and putAlong: columns of each row by id. */
#include "base/convert.h"
#include "base/ids.h"
#include "base/parallel.h"
#include "base/strided.h"

#define TASK_ELEMENTS (16 << 10)

typedef struct {
  mb_view out, in;
  const int32_t *ids;
  int64_t rows, picks, columns, per_task; /* ids [rows, picks], the other side [rows, columns] */
} along_context;

static void take_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const along_context *c = opaque;
  const int64_t item = mb_bytes_of(c->out.dtype), end = MB_MIN(c->rows, (task + 1) * c->per_task);
  for (int64_t row = task * c->per_task; row < end; row++)
    for (int64_t j = row * c->picks; j < (row + 1) * c->picks; j++) {
      char *to = (char *)c->out.data + j * item;
      if (mb_bad_id("takeAlong", c->ids[j], c->columns)) memset(to, 0, (size_t)item);
      else memcpy(to, (const char *)c->in.data + (row * c->columns + c->ids[j]) * item, (size_t)item);
    }
}

/* Repeated ids add up: in f32 in place, for other dtypes in a row of doubles that is converted once. */
static void put_task(void *opaque, int64_t task, int worker) {
  const along_context *c = opaque;
  const int64_t item = mb_bytes_of(c->out.dtype), end = MB_MIN(c->rows, (task + 1) * c->per_task);
  const int in_place = c->out.dtype == MB_F32;
  double *wide = in_place ? NULL : mb_scratch(worker, MB_SLOT_CONVERT, (size_t)c->columns * sizeof(double));
  for (int64_t row = task * c->per_task; row < end; row++) {
    char *to = (char *)c->out.data + row * c->columns * item;
    memset(in_place ? to : (char *)wide, 0, (size_t)(c->columns * (in_place ? 4 : 8)));
    for (int64_t j = row * c->picks; j < (row + 1) * c->picks; j++) {
      if (mb_bad_id("putAlong", c->ids[j], c->columns)) continue;
      const char *from = (const char *)c->in.data + j * item;
      if (in_place) ((float *)to)[c->ids[j]] += *(const float *)from;
      else wide[c->ids[j]] += mb_load_element(from, c->in.dtype);
    }
    if (!in_place) MB_FN(mb_from_f64)(wide, c->columns, to, c->out.dtype);
  }
}

static along_context context_of(const mb_view *views, const mb_view *wide) {
  along_context c = {.out = views[0], .in = views[1], .ids = views[2].data};
  c.rows = views[2].shape[0];
  c.picks = views[2].shape[1];
  c.columns = wide->shape[1];
  c.per_task = MB_MAX(1, TASK_ELEMENTS / MB_MAX(1, c.picks + (wide == &views[0] ? c.columns : 0)));
  return c;
}

void MB_FN(mb_op_take_along)(const mb_view *views, const double *attributes) {
  (void)attributes;
  along_context c = context_of(views, &views[1]);
  mb_parallel((c.rows + c.per_task - 1) / c.per_task, take_task, &c);
}

void MB_FN(mb_op_put_along)(const mb_view *views, const double *attributes) {
  (void)attributes;
  along_context c = context_of(views, &views[0]);
  mb_parallel((c.rows + c.per_task - 1) / c.per_task, put_task, &c);
}
