/* mb_gemm on AMX tiles. A task keeps some rows of packed A in its L2 cache and multiplies them with panels of B, one after another.
 *
 * Packing costs as much as some 50 rows of products, so it is shared where several tasks read the same: A where tasks split the columns,
 * B where many split the rows. Otherwise each packs its own, while memory is asked for what it packs next. (Keeping packed weights from
 * call to call was tried and is no faster: they have 6 bytes per element, and come from memory, not from a cache.) */
#include "gemm/amx.h"

#if defined(__AMX_BF16__)
#include "base/parallel.h"
#include "gemm/fma.h"

/* Most depth of one pass, and bytes of packed A that a task works with: they stay in the L2 cache beside a panel of B. */
#define DEPTH 768
#define A_BYTES ((int64_t)1200 << 10)
/* Operands that tasks share are packed up to so many bytes at once. */
#define SHARED_BYTES ((int64_t)16 << 20)
/* From so many row tasks on, they share packed B. */
#define SHARED_B_TASKS 4

/* A block of one pass: C[m, n] (+)= A[m, k] · B[k, n]. */
typedef struct {
  const mb_gemm_args *args;
  const float *a, *b;
  float *c;
  int64_t m, n, k;
  int add;
  char *packed_a, *packed_b; /* shared panels, behind them what pack_a and pack_b say of each; NULL where tasks pack their own */
  int64_t panel_bytes, a_panels, b_panels, row_tasks, column_tasks;
} amx_block;

/* Packs panel i of A; false when an element is out of range. */
static int pack_a(const amx_block *g, int64_t i, char *to) {
  const mb_gemm_args *x = g->args;
  return MB_FN(mb_amx_pack)(&(mb_amx_panel){
      .from = g->a + i * MB_AMX_PANEL_LINES * x->a_row, .line_stride = x->a_row, .depth_stride = x->a_col,
      .lines = MB_MIN(MB_AMX_PANEL_LINES, g->m - i * MB_AMX_PANEL_LINES), .depth = g->k, .scale = x->alpha, .to = to,
  });
}

/* The same of panel j of B. */
static int pack_b(const amx_block *g, int64_t j, char *to) {
  const mb_gemm_args *x = g->args;
  return MB_FN(mb_amx_pack)(&(mb_amx_panel){
      .from = g->b + j * MB_AMX_PANEL_LINES * x->b_col, .line_stride = x->b_col, .depth_stride = x->b_row,
      .lines = MB_MIN(MB_AMX_PANEL_LINES, g->n - j * MB_AMX_PANEL_LINES), .depth = g->k, .columns = 1, .scale = 1, .to = to,
  });
}

static uint8_t *flags_behind(const amx_block *g, char *packed, int64_t panels) { return (uint8_t *)packed + panels * g->panel_bytes; }

static void pack_a_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const amx_block *g = opaque;
  flags_behind(g, g->packed_a, g->a_panels)[task] = (uint8_t)pack_a(g, task, g->packed_a + task * g->panel_bytes);
}

static void pack_b_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const amx_block *g = opaque;
  flags_behind(g, g->packed_b, g->b_panels)[task] = (uint8_t)pack_b(g, task, g->packed_b + task * g->panel_bytes);
}

/* Share `share` of `shares` of what is read of B for panel j (nothing past the last panel), to be asked for while the same share of the
 * panel before it is computed. */
static mb_amx_prefetch share_of_panel(const amx_block *g, int64_t j, int64_t share, int64_t shares) {
  if (j == g->b_panels) return (mb_amx_prefetch){0};
  const mb_gemm_args *x = g->args;
  mb_amx_prefetch whole = {.from = g->b + j * MB_AMX_PANEL_LINES * x->b_col, .step_stride = MB_AMX_STEP * x->b_row};
  if (g->packed_b) {
    whole = (mb_amx_prefetch){.from = (const float *)(g->packed_b + j * g->panel_bytes), .step_stride = 2 * MB_AMX_UNIT_BYTES / 4};
    whole.line_stride = MB_AMX_STEP;
    whole.lines = whole.step_stride / MB_AMX_STEP;
  } else if (x->b_row == 1) {
    whole.line_stride = x->b_col;
    whole.lines = MB_MIN(MB_AMX_PANEL_LINES, g->n - j * MB_AMX_PANEL_LINES);
  } else {
    whole.line_stride = x->b_row;
    whole.lines = MB_AMX_STEP;
  }
  const int64_t first = mb_share(whole.lines, shares, share);
  whole.from += first * whole.line_stride;
  whole.lines = mb_share(whole.lines, shares, share + 1) - first;
  return whole;
}

static void multiply_task(void *opaque, int64_t task, int worker) {
  const amx_block *g = opaque;
  const mb_gemm_args *x = g->args;
  const int64_t row_task = task % g->row_tasks, column_task = task / g->row_tasks;
  const int64_t a_begin = mb_share(g->a_panels, g->row_tasks, row_task), a_end = mb_share(g->a_panels, g->row_tasks, row_task + 1);
  const int64_t b_begin = mb_share(g->b_panels, g->column_tasks, column_task), b_end = mb_share(g->b_panels, g->column_tasks, column_task + 1);
  const int64_t row_panels = a_end - a_begin;
  /* The first panel of the task that this worker will get next, if all go on alike. */
  const int64_t b_later = mb_share(g->b_panels, g->column_tasks, MB_MIN(g->column_tasks, (task + mb_workers()) / g->row_tasks));
  const char *packed_a;
  const uint8_t *a_in_range;
  if (g->packed_a) {
    packed_a = g->packed_a + a_begin * g->panel_bytes;
    a_in_range = flags_behind(g, g->packed_a, g->a_panels) + a_begin;
  } else {
    char *own = mb_scratch(worker, MB_SLOT_AMX_A, (size_t)(row_panels * (g->panel_bytes + 1)));
    uint8_t *in_range = flags_behind(g, own, row_panels);
    for (int64_t i = 0; i < row_panels; i++) in_range[i] = (uint8_t)pack_a(g, a_begin + i, own + i * g->panel_bytes);
    packed_a = own;
    a_in_range = in_range;
  }
  char *own_b = g->packed_b ? NULL : mb_scratch(worker, MB_SLOT_AMX_B, (size_t)g->panel_bytes);
  mb_amx_begin();
  for (int64_t j = b_begin; j < b_end; j++) {
    const int64_t column = j * MB_AMX_PANEL_LINES, columns = MB_MIN(MB_AMX_PANEL_LINES, g->n - column);
    const char *packed_b = g->packed_b ? g->packed_b + j * g->panel_bytes : own_b;
    const int b_in_range = g->packed_b ? flags_behind(g, g->packed_b, g->b_panels)[j] : pack_b(g, j, own_b);
    for (int64_t i = 0; i < row_panels; i++) {
      const int64_t row = (a_begin + i) * MB_AMX_PANEL_LINES, rows = MB_MIN(MB_AMX_PANEL_LINES, g->m - row);
      float *c = g->c + row * x->c_row + column;
      if (b_in_range && a_in_range[i])
        MB_FN(mb_amx_multiply)(rows, columns, g->k, packed_a + i * g->panel_bytes, packed_b, c, x->c_row, g->add,
                               share_of_panel(g, j + 1 < b_end ? j + 1 : b_later, i, row_panels));
      else
        MB_FN(mb_gemm_fma)(&(mb_gemm_args){.m = rows, .n = columns, .k = g->k, .a_row = x->a_row, .a_col = x->a_col, .b_row = x->b_row,
                               .b_col = x->b_col, .c_row = x->c_row, .alpha = x->alpha, .accumulate = g->add},
                           g->a + row * x->a_row, g->b + column * x->b_col, c, worker);
    }
  }
  mb_amx_end();
}

static void run_block(amx_block *g, int worker) {
  g->a_panels = mb_ceil_div(g->m, MB_AMX_PANEL_LINES);
  g->b_panels = mb_ceil_div(g->n, MB_AMX_PANEL_LINES);
  g->panel_bytes = 2 * MB_AMX_UNIT_BYTES * mb_amx_steps(g->k);
  g->row_tasks = mb_ceil_div(g->a_panels, MB_MAX(1, A_BYTES / g->panel_bytes));
  g->column_tasks = MB_MIN(g->b_panels, mb_ceil_div(mb_workers() == 1 ? 1 : 4 * mb_workers(), g->row_tasks));
  if (g->column_tasks > 1) {
    g->packed_a = mb_scratch(worker, MB_SLOT_AMX_A, (size_t)(g->a_panels * (g->panel_bytes + 1)));
    mb_parallel(g->a_panels, pack_a_task, g);
  }
  if (g->row_tasks >= SHARED_B_TASKS) {
    g->packed_b = mb_scratch(worker, MB_SLOT_AMX_SHARED_B, (size_t)(g->b_panels * (g->panel_bytes + 1)));
    mb_parallel(g->b_panels, pack_b_task, g);
  }
  mb_parallel(g->row_tasks * g->column_tasks, multiply_task, g);
}

int MB_FN(mb_gemm_amx_suits)(const mb_gemm_args *x) { return x->m >= 2 * MB_AMX_TILE_LINES && x->n >= MB_AMX_TILE_LINES && x->k >= MB_AMX_STEP; }

void MB_FN(mb_gemm_amx)(const mb_gemm_args *x, const float *a, const float *b, float *c, int worker) {
  const int64_t passes = mb_ceil_div(x->k, DEPTH), depth = mb_ceil_div(mb_ceil_div(x->k, passes), MB_AMX_STEP) * MB_AMX_STEP;
  const int64_t lines = SHARED_BYTES / (2 * MB_AMX_UNIT_BYTES * mb_amx_steps(depth)) * MB_AMX_PANEL_LINES;
  for (int64_t n = 0; n < x->n; n += lines)
    for (int64_t m = 0; m < x->m; m += lines)
      for (int64_t k = 0; k < x->k; k += depth) {
        amx_block g = {.args = x, .add = x->accumulate || k > 0};
        g.m = MB_MIN(lines, x->m - m);
        g.n = MB_MIN(lines, x->n - n);
        g.k = MB_MIN(depth, x->k - k);
        g.a = a + m * x->a_row + k * x->a_col;
        g.b = b + k * x->b_row + n * x->b_col;
        g.c = c + m * x->c_row + n;
        run_block(&g, worker);
      }
}

#endif
