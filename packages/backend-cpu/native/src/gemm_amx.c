/* mb_gemm on AMX tiles. Packs A once, then lets tasks multiply panels of 32 rows with panels of 32 columns. Tasks of many
 * rows keep their part of packed A in the L2 cache; B is packed panel by panel while the memory is asked for the next one. */
#include "gemm_amx.h"

#if defined(__AMX_BF16__)
#include "gemm_tiles.h"
#include "parallel.h"

/* Most depth of one pass, and bytes of packed A that a task works with: they stay in the L2 cache beside a panel of B. */
#define DEPTH 768
#define A_BYTES ((int64_t)1200 << 10)
/* A that tasks share is packed up to so many bytes at once. */
#define SHARED_BYTES ((int64_t)16 << 20)
#define UNIT_BYTES (MB_AMX_PARTS * MB_AMX_TILE_BYTES)

/* A block of one pass: C[m, n] (+)= A[m, k] · B[k, n]. */
typedef struct {
  const mb_gemm_args *args;
  const float *a, *b;
  float *c;
  int64_t m, n, k;
  int add;
  char *packed_a; /* panels and what pack_a says of them; NULL where every task packs its own rows */
  int64_t panel_bytes, a_panels, b_panels, row_tasks, column_tasks;
} amx_block;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static int64_t split(int64_t size, int64_t parts, int64_t i) { return size / parts * i + MB_MIN(i, size % parts); }

/* Tiles are configured while a task runs only: threads that have none are cheaper to switch. */
static void configure_tiles(void) {
  struct __attribute__((packed)) {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } config = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) {
    config.row_bytes[tile] = 64;
    config.rows[tile] = 16;
  }
  __asm__ volatile("" ::: "memory");
  _tile_loadconfig(&config);
}

/* Packs panel i of A; false when an element is out of range. */
static int pack_a(const amx_block *g, int64_t i, char *to) {
  const mb_gemm_args *x = g->args;
  return MB_FN(mb_amx_pack)(&(mb_amx_panel){
      .from = g->a + i * MB_AMX_PANEL * x->a_row, .line_stride = x->a_row, .depth_stride = x->a_col,
      .lines = MB_MIN(MB_AMX_PANEL, g->m - i * MB_AMX_PANEL), .depth = g->k, .scale = x->alpha, .to = to,
  });
}

/* The same of panel j of B. */
static int pack_b(const amx_block *g, int64_t j, char *to) {
  const mb_gemm_args *x = g->args;
  return MB_FN(mb_amx_pack)(&(mb_amx_panel){
      .from = g->b + j * MB_AMX_PANEL * x->b_col, .line_stride = x->b_col, .depth_stride = x->b_row,
      .lines = MB_MIN(MB_AMX_PANEL, g->n - j * MB_AMX_PANEL), .depth = g->k, .columns = 1, .scale = 1, .to = to,
  });
}

static uint8_t *shared_in_range(const amx_block *g) { return (uint8_t *)g->packed_a + g->a_panels * g->panel_bytes; }

static void pack_a_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const amx_block *g = opaque;
  shared_in_range(g)[task] = (uint8_t)pack_a(g, task, g->packed_a + task * g->panel_bytes);
}

#define LOAD_A(part)                                        \
  _tile_loadd(4, a + (part) * rows * MB_AMX_TILE_BYTES, 64); \
  if (rows == 2) _tile_loadd(5, a + ((part) * 2 + 1) * MB_AMX_TILE_BYTES, 64);
#define LOAD_B(part)                                           \
  _tile_loadd(6, b + (part) * columns * MB_AMX_TILE_BYTES, 64); \
  if (columns == 2) _tile_loadd(7, b + ((part) * 2 + 1) * MB_AMX_TILE_BYTES, 64);
#define MULTIPLY                                        \
  _tile_dpbf16ps(0, 4, 6);                              \
  if (columns == 2) _tile_dpbf16ps(1, 4, 7);            \
  if (rows == 2) _tile_dpbf16ps(2, 5, 6);               \
  if (rows == 2 && columns == 2) _tile_dpbf16ps(3, 5, 7);

/* Memory to be asked for while tiles are multiplied: `lines` stretches of MB_AMX_STEP floats per step. */
typedef struct {
  const float *from;
  int64_t line_stride, step_stride, lines;
} amx_prefetch;

/* `rows` × `columns` tiles of C over `steps` steps. */
static inline __attribute__((always_inline)) void tiles(int rows, int columns, int64_t steps, const char *a, const char *b, float *c,
                                                        int64_t c_row, int add, amx_prefetch next) {
  const int64_t stride = c_row * 4;
  __asm__ volatile("" ::: "memory");
  if (add) {
    _tile_loadd(0, c, stride);
    if (columns == 2) _tile_loadd(1, c + 16, stride);
    if (rows == 2) _tile_loadd(2, c + 16 * c_row, stride);
    if (rows == 2 && columns == 2) _tile_loadd(3, c + 16 * c_row + 16, stride);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t step = 0; step < steps; step++) {
    LOAD_A(2) LOAD_B(0) MULTIPLY
    LOAD_A(1) MULTIPLY
    LOAD_B(1) MULTIPLY
    LOAD_A(0) MULTIPLY
    LOAD_B(2) MULTIPLY
    LOAD_B(0) MULTIPLY
    a += rows * UNIT_BYTES;
    b += columns * UNIT_BYTES;
    if (!add && step < MB_AMX_LINES / 2)
      for (int64_t row = step; row < rows * MB_AMX_LINES; row += MB_AMX_LINES / 2) {
        __builtin_prefetch(c + row * c_row, 1);
        if (columns == 2) __builtin_prefetch(c + row * c_row + MB_AMX_LINES, 1);
      }
    for (int64_t line = 0; line < next.lines; line++) {
      __builtin_prefetch(next.from + line * next.line_stride, 0, 2);
      __builtin_prefetch(next.from + line * next.line_stride + 16, 0, 2);
    }
    next.from += next.step_stride;
  }
  _tile_stored(0, c, stride);
  if (columns == 2) _tile_stored(1, c + 16, stride);
  if (rows == 2) _tile_stored(2, c + 16 * c_row, stride);
  if (rows == 2 && columns == 2) _tile_stored(3, c + 16 * c_row + 16, stride);
}

static void multiply_panels(int64_t rows, int64_t columns, int64_t depth, const char *a, const char *b, float *c, int64_t c_row, int add,
                            amx_prefetch next) {
  const int64_t row_tiles = mb_amx_tiles(rows), column_tiles = mb_amx_tiles(columns), steps = mb_amx_steps(depth);
  const int whole = rows == row_tiles * MB_AMX_LINES && columns == column_tiles * MB_AMX_LINES;
  _Alignas(64) float edge[MB_AMX_PANEL * MB_AMX_PANEL];
  float *to = whole ? c : edge;
  const int64_t stride = whole ? c_row : MB_AMX_PANEL;
  const int load = whole && add;
  if (row_tiles == 2 && column_tiles == 2) tiles(2, 2, steps, a, b, to, stride, load, next);
  else if (row_tiles == 2) tiles(2, 1, steps, a, b, to, stride, load, next);
  else if (column_tiles == 2) tiles(1, 2, steps, a, b, to, stride, load, next);
  else tiles(1, 1, steps, a, b, to, stride, load, next);
  if (whole) return;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j += VL) {
      const int64_t n = MB_MIN(VL, columns - j);
      const vf sum = v_load(edge + i * MB_AMX_PANEL + j);
      float *at = c + i * c_row + j;
      v_store_n(at, add ? v_load_n(at, n) + sum : sum, n);
    }
}

/* Part `part` of `parts` of panel j of B, to be asked for while the same part of the panel before it is computed. */
static amx_prefetch share_of_panel(const amx_block *g, int64_t j, int64_t part, int64_t parts) {
  const mb_gemm_args *x = g->args;
  const int64_t lines = x->b_row == 1 ? MB_MIN(MB_AMX_PANEL, g->n - j * MB_AMX_PANEL) : MB_AMX_STEP;
  const int64_t line_stride = x->b_row == 1 ? x->b_col : x->b_row, first = split(lines, parts, part);
  return (amx_prefetch){
      .from = g->b + j * MB_AMX_PANEL * x->b_col + first * line_stride,
      .line_stride = line_stride, .step_stride = MB_AMX_STEP * x->b_row, .lines = split(lines, parts, part + 1) - first,
  };
}

static void multiply_task(void *opaque, int64_t task, int worker) {
  const amx_block *g = opaque;
  const mb_gemm_args *x = g->args;
  const int64_t row_task = task % g->row_tasks, column_task = task / g->row_tasks;
  const int64_t a_begin = split(g->a_panels, g->row_tasks, row_task), a_end = split(g->a_panels, g->row_tasks, row_task + 1);
  const int64_t b_begin = split(g->b_panels, g->column_tasks, column_task), b_end = split(g->b_panels, g->column_tasks, column_task + 1);
  const int64_t row_panels = a_end - a_begin;
  const char *packed_a = g->packed_a + a_begin * g->panel_bytes;
  const uint8_t *a_in_range = shared_in_range(g) + a_begin;
  if (g->packed_a == NULL) {
    char *own = mb_scratch(worker, MB_SLOT_AMX_A, (size_t)(row_panels * (g->panel_bytes + 1)));
    uint8_t *in_range = (uint8_t *)own + row_panels * g->panel_bytes;
    for (int64_t i = 0; i < row_panels; i++) in_range[i] = (uint8_t)pack_a(g, a_begin + i, own + i * g->panel_bytes);
    packed_a = own;
    a_in_range = in_range;
  }
  char *packed_b = mb_scratch(worker, MB_SLOT_AMX_B, (size_t)g->panel_bytes);
  configure_tiles();
  for (int64_t j = b_begin; j < b_end; j++) {
    const int64_t column = j * MB_AMX_PANEL, columns = MB_MIN(MB_AMX_PANEL, g->n - column);
    const int b_in_range = pack_b(g, j, packed_b);
    for (int64_t i = 0; i < row_panels; i++) {
      const int64_t row = (a_begin + i) * MB_AMX_PANEL, rows = MB_MIN(MB_AMX_PANEL, g->m - row);
      float *c = g->c + row * x->c_row + column;
      if (b_in_range && a_in_range[i])
        multiply_panels(rows, columns, g->k, packed_a + i * g->panel_bytes, packed_b, c, x->c_row, g->add,
                        j + 1 < b_end ? share_of_panel(g, j + 1, i, row_panels) : (amx_prefetch){0});
      else
        MB_FN(mb_gemm_fma)(&(mb_gemm_args){.m = rows, .n = columns, .k = g->k, .a_row = x->a_row, .a_col = x->a_col, .b_row = x->b_row,
                               .b_col = x->b_col, .c_row = x->c_row, .alpha = x->alpha, .accumulate = g->add},
                           g->a + row * x->a_row, g->b + column * x->b_col, c, worker);
    }
  }
  _tile_release();
}

static void run_block(amx_block *g, int worker) {
  g->a_panels = ceil_div(g->m, MB_AMX_PANEL);
  g->b_panels = ceil_div(g->n, MB_AMX_PANEL);
  g->panel_bytes = 2 * UNIT_BYTES * mb_amx_steps(g->k);
  g->row_tasks = ceil_div(g->a_panels, MB_MAX(1, A_BYTES / g->panel_bytes));
  g->column_tasks = MB_MIN(g->b_panels, ceil_div(mb_workers() == 1 ? 1 : 4 * mb_workers(), g->row_tasks));
  if (g->column_tasks > 1) {
    g->packed_a = mb_scratch(worker, MB_SLOT_AMX_A, (size_t)(g->a_panels * (g->panel_bytes + 1)));
    mb_parallel(g->a_panels, pack_a_task, g);
  }
  mb_parallel(g->row_tasks * g->column_tasks, multiply_task, g);
}

int MB_FN(mb_gemm_amx_suits)(const mb_gemm_args *x) { return x->m >= 16 && x->n >= 16 && x->k >= 32; }

void MB_FN(mb_gemm_amx)(const mb_gemm_args *x, const float *a, const float *b, float *c, int worker) {
  const int64_t passes = ceil_div(x->k, DEPTH), depth = ceil_div(ceil_div(x->k, passes), MB_AMX_STEP) * MB_AMX_STEP;
  const int64_t rows = SHARED_BYTES / (2 * UNIT_BYTES * mb_amx_steps(depth)) * MB_AMX_PANEL;
  for (int64_t m = 0; m < x->m; m += rows)
    for (int64_t k = 0; k < x->k; k += depth) {
      amx_block g = {.args = x, .n = x->n, .add = x->accumulate || k > 0};
      g.m = MB_MIN(rows, x->m - m);
      g.k = MB_MIN(depth, x->k - k);
      g.a = a + m * x->a_row + k * x->a_col;
      g.b = b + k * x->b_row;
      g.c = c + m * x->c_row;
      run_block(&g, worker);
    }
}

#endif
