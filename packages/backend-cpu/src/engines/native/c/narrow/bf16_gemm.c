/* mb_bf16_gemm: A's rows and B's panels once for all, then tasks of some rows and some panels each. */
#include "narrow/bf16_gemm.h"

#include "base/parallel.h"

#define TASK_ROWS 64
/* Bytes of panels that a task passes over: they stay in the L2 cache. */
#define TASK_BYTES ((int64_t)512 << 10)

typedef struct {
  const mb_bf16_gemm_args *args;
  const mb_panel_kernel *kernel;
  int64_t depth, panels, panel; /* depth: k, even; panel: words of one */
  const uint16_t *rows;         /* dense, [m][depth] */
  uint16_t *turned;             /* the same, to be made, or NULL */
  int32_t *packed;
  int64_t row_tasks, panels_per_task;
} context;

static void rows_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const context *c = opaque;
  const mb_bf16_gemm_args *x = c->args;
  const int64_t first = task * VL, rows = MB_MIN(VL, x->m - first);
  uint16_t *to = c->turned + first * c->depth;
  if (x->a_col != 1 && x->k > 1) {
    MB_FN(mb_bf16_turn)(x->a + first, x->a_col, rows, x->k, to, c->depth);
    return;
  }
  for (int64_t i = 0; i < rows; i++, to += c->depth) {
    memcpy(to, x->a + (first + i) * x->a_row, (size_t)x->k * 2);
    if (c->depth > x->k) to[x->k] = 0;
  }
}

static void panel_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const context *c = opaque;
  const mb_bf16_gemm_args *x = c->args;
  MB_FN(mb_bf16_pack)(x->b + task * VL * x->b_col, x->b_row, x->b_col, x->k, MB_MIN(VL, x->n - task * VL), c->packed + task * c->panel);
}

static void multiply_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const context *c = opaque;
  const mb_bf16_gemm_args *x = c->args;
  const int64_t row = task % c->row_tasks * TASK_ROWS, panel = task / c->row_tasks * c->panels_per_task, column = panel * VL;
  const mb_bf16_product product = {
      .m = MB_MIN(TASK_ROWS, x->m - row), .n = MB_MIN(c->panels_per_task * VL, x->n - column), .k = c->depth,
      .a = c->rows + row * c->depth, .panels = c->packed + panel * c->panel,
      .c = (char *)x->c + (row * x->c_row + column) * x->c_bytes, .c_row = x->c_row, .c_bytes = x->c_bytes};
  MB_FN(mb_bf16_multiply)(c->kernel, &product);
}

int MB_FN(mb_bf16_gemm)(const mb_bf16_gemm_args *x) {
  context c = {.args = x, .depth = x->k + x->k % 2, .kernel = MB_FN(mb_bf16_kernel)(2, 2), .rows = x->a};
  if (c.kernel == NULL) return 0;
  if (x->m == 0 || x->n == 0) return 1;
  if (x->a_col != 1 || x->a_row != c.depth) {
    c.rows = c.turned = mb_scratch(0, MB_SLOT_KERNEL_0, (size_t)MB_MAX(1, x->m * c.depth) * 2);
    mb_parallel(mb_ceil_div(x->m, VL), rows_task, &c);
  }
  c.panels = mb_ceil_div(x->n, VL);
  c.panel = mb_bf16_panel_words(c.depth);
  c.packed = mb_scratch(0, MB_SLOT_KERNEL_1, (size_t)MB_MAX(1, c.panels * c.panel) * 4);
  mb_parallel(c.panels, panel_task, &c);
  const int64_t panel_tasks = mb_ceil_div(c.panels * c.panel * 4, TASK_BYTES), width = mb_ceil_div(c.panels, MB_MAX(1, panel_tasks));
  c.panels_per_task = mb_ceil_div(width, c.kernel->panels) * c.kernel->panels;
  c.row_tasks = mb_ceil_div(x->m, TASK_ROWS);
  mb_parallel(c.row_tasks * mb_ceil_div(c.panels, c.panels_per_task), multiply_task, &c);
  return 1;
}
