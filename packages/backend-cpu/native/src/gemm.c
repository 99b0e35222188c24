/* mb_gemm: packs A once into panels, then lets tasks multiply it with columns of B that they pack panel by panel into their L1 cache. */
#include "gemm.h"

#include "gemm_amx.h"
#include "gemm_tiles.h"
#include "parallel.h"

/* Most depth of one pass: the panel of B streams from the L1 or L2 cache, the pass's share of A from the L2 cache. */
#define DEPTH 512
/* A super-block of A is packed at once: up to this depth and these bytes. */
#define SUPER_DEPTH (8 * DEPTH)
#define A_BYTES ((int64_t)8 << 20)
/* Most rows of a task (B is packed once for each so many rows), and bytes of C: they stay in the L2 cache from pass to pass. */
#define TASK_ROWS 512
#define C_BYTES ((int64_t)512 << 10)
/* Up to so many rows go by dot products, in tasks and strips of so many columns. */
#define DOT_ROWS 16
#define DOT_COLUMNS 96
#define DOT_STRIP 24
/* Panels of A that a packing task makes. */
#define PACK_PANELS 8

/* A super-block: C[m, n] (+)= A[m, k] · B[k, n], of which A is packed. */
typedef struct {
  const mb_gemm_args *args;
  const float *a, *b;
  float *c, *packed_a;
  int64_t m, n, k;
  int64_t depth; /* of a pass: DEPTH or less, so that passes are alike */
  int add;
  int64_t a_panels, b_panels, row_tasks, column_tasks;
} gemm_block;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Where part i begins when `size` things are shared by `parts` as evenly as possible. */
static int64_t split(int64_t size, int64_t parts, int64_t i) { return size / parts * i + MB_MIN(i, size % parts); }

static void pack_a_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const gemm_block *g = opaque;
  const mb_gemm_args *x = g->args;
  const int64_t passes = ceil_div(g->k, g->depth), k = task % passes * g->depth, depth = MB_MIN(g->depth, g->k - k);
  const int64_t begin = task / passes * PACK_PANELS, panels = MB_MIN(g->a_panels - begin, PACK_PANELS);
  int64_t widths[PACK_PANELS];
  for (int64_t i = 0; i < panels; i++) widths[i] = split(g->m, g->a_panels, begin + i + 1) - split(g->m, g->a_panels, begin + i);
  const int64_t first = split(g->m, g->a_panels, begin);
  const float *from = g->a + first * x->a_row + k * x->a_col;
  float *to = g->packed_a + k * g->m + first * depth;
  if (x->a_row == 1) {
    MB_FN(mb_gemm_pack_panels)(from, x->a_col, panels, widths, depth, to);
    return;
  }
  for (int64_t i = 0; i < panels; i++) {
    MB_FN(mb_gemm_pack)(from, x->a_row, x->a_col, widths[i], widths[i], depth, to);
    from += widths[i] * x->a_row;
    to += widths[i] * depth;
  }
}

static void multiply_task(void *opaque, int64_t task, int worker) {
  const gemm_block *g = opaque;
  const mb_gemm_args *x = g->args;
  const int64_t row_task = task / g->column_tasks, column_task = task % g->column_tasks;
  const int64_t a_begin = split(g->a_panels, g->row_tasks, row_task), a_end = split(g->a_panels, g->row_tasks, row_task + 1);
  const int64_t b_begin = split(g->b_panels, g->column_tasks, column_task), b_end = split(g->b_panels, g->column_tasks, column_task + 1);
  float *panel = mb_scratch(worker, MB_SLOT_GEMM_B, (size_t)(DEPTH * MB_NR) * sizeof(float));
  for (int64_t k = 0; k < g->k; k += g->depth) {
    const int64_t depth = MB_MIN(g->depth, g->k - k);
    const float *b = g->b + k * x->b_row;
    for (int64_t j = b_begin; j < b_end; j++) {
      const int64_t column = j * MB_NR, columns = MB_MIN(MB_NR, g->n - column);
      MB_FN(mb_gemm_pack)(b + column * x->b_col, x->b_col, x->b_row, columns, ceil_div(columns, VL) * VL, depth, panel);
      for (int64_t i = a_begin; i < a_end; i++) {
        const int64_t row = split(g->m, g->a_panels, i), rows = split(g->m, g->a_panels, i + 1) - row;
        MB_FN(mb_gemm_tile)(rows, columns, depth, g->packed_a + k * g->m + row * depth, panel, g->c + row * x->c_row + column, x->c_row,
                            x->alpha, g->add || k > 0);
      }
    }
  }
}

static void run_block(gemm_block *g) {
  g->depth = ceil_div(ceil_div(g->k, ceil_div(g->k, DEPTH)), VL) * VL;
  g->a_panels = ceil_div(g->m, MB_MR);
  g->b_panels = ceil_div(g->n, MB_NR);
  mb_parallel(ceil_div(g->a_panels, PACK_PANELS) * ceil_div(g->k, g->depth), pack_a_task, g);
  /* Enough tasks that the last ones do not leave workers idle for long. */
  const int64_t wanted = mb_workers() == 1 ? 1 : 8 * mb_workers();
  g->row_tasks = MB_MAX(ceil_div(g->m, TASK_ROWS), MB_MIN(ceil_div(wanted, 4 * g->b_panels), ceil_div(g->a_panels, 4)));
  const int64_t columns = MB_MAX(2 * MB_NR, C_BYTES / 4 / ceil_div(g->m, g->row_tasks));
  g->column_tasks = MB_MIN(g->b_panels, MB_MAX(ceil_div(g->n, columns), ceil_div(wanted, g->row_tasks)));
  mb_parallel(g->row_tasks * g->column_tasks, multiply_task, g);
}

/* Few rows: C = A · B by dot products over the weights as they lie. */
typedef struct {
  const mb_gemm_args *args;
  const float *a, *b;
  float *c;
} dot_context;

static void dot_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const dot_context *g = opaque;
  const mb_gemm_args *x = g->args;
  for (int64_t column = task * DOT_COLUMNS, end = MB_MIN(x->n, column + DOT_COLUMNS), next; column < end; column = next) {
    next = MB_MIN(end, column + DOT_STRIP);
    for (int64_t part = 0, parts = ceil_div(x->m, MB_DOT_ROWS); part < parts; part++) {
      const int64_t row = split(x->m, parts, part), rows = split(x->m, parts, part + 1) - row;
      MB_FN(mb_gemm_dot)(rows, column, next, x->k, g->a + row * x->a_row, x->a_row, g->b, x->b_col, g->c + row * x->c_row, x->c_row, x->alpha,
                         x->accumulate);
    }
  }
}

void MB_FN(mb_gemm_fma)(const mb_gemm_args *x, const float *a, const float *b, float *c, int worker) {
  const int64_t depth = MB_MIN(x->k, SUPER_DEPTH), rows = MB_MIN(x->m, MB_MAX(MB_MR, A_BYTES / 4 / depth));
  float *packed_a = mb_scratch(worker, MB_SLOT_GEMM_A, (size_t)(rows * depth) * sizeof(float));
  for (int64_t k = 0; k < x->k; k += depth)
    for (int64_t m = 0; m < x->m; m += rows) {
      gemm_block g = {.args = x, .packed_a = packed_a, .n = x->n, .add = x->accumulate || k > 0};
      g.m = MB_MIN(rows, x->m - m);
      g.k = MB_MIN(depth, x->k - k);
      g.a = a + m * x->a_row + k * x->a_col;
      g.b = b + k * x->b_row;
      g.c = c + m * x->c_row;
      run_block(&g);
    }
}

static void run_one(const mb_gemm_args *x, const float *a, const float *b, float *c, int worker) {
  if (x->m == 0 || x->n == 0) return;
  if (x->k == 0) {
    for (int64_t m = 0; m < x->m && !x->accumulate; m++) memset(c + m * x->c_row, 0, (size_t)x->n * sizeof(float));
    return;
  }
  if (x->m <= DOT_ROWS && x->a_col == 1 && x->b_row == 1) {
    dot_context g = {.args = x, .a = a, .b = b, .c = c};
    mb_parallel(ceil_div(x->n, DOT_COLUMNS), dot_task, &g);
    return;
  }
#if defined(__AMX_BF16__)
  if (MB_FN(mb_gemm_amx_suits)(x)) {
    MB_FN(mb_gemm_amx)(x, a, b, c, worker);
    return;
  }
#endif
  MB_FN(mb_gemm_fma)(x, a, b, c, worker);
}

static void run_batch(const mb_gemm_args *x, int64_t index, int worker) {
  const float *a = x->a, *b = x->b;
  float *c = x->c;
  for (int32_t axis = x->batch_rank - 1; axis >= 0; axis--) {
    const int64_t i = index % x->batch[axis];
    index /= x->batch[axis];
    a += i * x->a_batch[axis];
    b += i * x->b_batch[axis];
    c += i * x->c_batch[axis];
  }
  run_one(x, a, b, c, worker);
}

static int64_t batches(const mb_gemm_args *x) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < x->batch_rank; axis++) count *= x->batch[axis];
  return count;
}

static void batch_task(void *opaque, int64_t task, int worker) { run_batch(opaque, task, worker); }

void MB_FN(mb_gemm)(const mb_gemm_args *args) {
  const int64_t count = batches(args);
  if (count >= 4 * mb_workers()) mb_parallel(count, batch_task, (void *)args);
  else
    for (int64_t index = 0; index < count; index++) run_batch(args, index, 0);
}

void MB_FN(mb_gemm_serial)(const mb_gemm_args *args, int worker) {
  for (int64_t index = 0, count = batches(args); index < count; index++) run_batch(args, index, worker);
}
