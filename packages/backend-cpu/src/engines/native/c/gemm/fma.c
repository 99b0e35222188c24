/* mb_gemm by micro-kernels: packs one operand into panels, then lets tasks multiply blocks of them with lines of the other.
 *
 * A tile of the result has lines and lanes (gemm/fma.h). Lanes are always packed. Lines are read from where they lie if they are
 * contiguous in depth, or not read often. So weights [N, K] are lines: no time goes into copying them, and tiles of the result are turned on
 * the way out. */
#include "gemm/fma.h"

#include "base/convert.h"
#include "base/parallel.h"

/* Most depth of one pass. */
#define DEPTH 768
/* Bytes of panels that a task multiplies with one tile of lines after another: they stay in the L2 cache. */
#define BLOCK_BYTES ((int64_t)256 << 10)
/* A super-block is packed at once: up to this depth, and these bytes of each operand. */
#define SUPER_DEPTH (8 * DEPTH)
#define SUPER_BYTES ((int64_t)8 << 20)
/* Lines that lie side by side take longer to read than packed ones: up to so many lanes that is cheaper than to pack them. */
#define FEW_LANES 512
/* Floats from one widened line to the next. */
#define WIDENED_STRIDE (DEPTH + VL)
/* Panels that a packing task makes. */
#define PACK_PANELS 8

/* Elements [index][k] of an operand, seen as panels of neighbours: of MB_FMA_LANES lanes, the last rounded up to vectors, or of up to MB_FMA_LINES
 * lines, as even as can be. */
typedef struct {
  const float *data;
  int64_t stride, depth_stride, count;
  int are_lines;
  int64_t panels;
  float *packed; /* [pass][panel][k][index]; NULL: read as it lies */
  const uint16_t *narrow; /* instead of data: [index][k] in 16 bits; lanes are widened as they are packed, lines tile by tile */
  int32_t narrow_dtype;
} operand;

static int64_t panel_begin(const operand *o, int64_t panel) {
  return o->are_lines ? mb_share(o->count, o->panels, panel) : MB_MIN(o->count, panel * MB_FMA_LANES);
}

static int64_t panel_width(const operand *o, int64_t rows) { return o->are_lines ? rows : mb_ceil_div(rows, VL) * VL; }

static const float *element(const operand *o, int64_t index, int64_t k) { return o->data + index * o->stride + k * o->depth_stride; }

static float *packed_panel(const operand *o, int64_t begin, int64_t k, int64_t depth) {
  return o->packed + k * panel_width(o, o->count) + begin * depth;
}

/* A super-block: target (+)= lines · lanes over depth k. */
typedef struct {
  operand lines, lanes;
  int64_t k, depth; /* depth: of a pass, DEPTH or less, so that passes are alike */
  mb_fma_target target;
  int64_t panels_per_block, line_tasks;
} fma_block;

typedef struct {
  const operand *operand;
  int64_t k, depth;
} pack_context;

static void pack_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const pack_context *c = opaque;
  const operand *o = c->operand;
  const int64_t passes = mb_ceil_div(c->k, c->depth), k = task % passes * c->depth, depth = MB_MIN(c->depth, c->k - k);
  const int64_t first = task / passes * PACK_PANELS, panels = MB_MIN(o->panels - first, PACK_PANELS), begin = panel_begin(o, first);
  int64_t rows[PACK_PANELS], widths[PACK_PANELS];
  for (int64_t i = 0; i < panels; i++) {
    rows[i] = panel_begin(o, first + i + 1) - panel_begin(o, first + i);
    widths[i] = panel_width(o, rows[i]);
  }
  const char *from = o->narrow ? (const char *)(o->narrow + begin * o->stride + k) : (const char *)element(o, begin, k);
  const int64_t bytes = o->narrow ? 2 : 4;
  float *to = packed_panel(o, begin, k, depth);
  if (!o->narrow && o->stride == 1) {
    MB_FN(mb_fma_pack_panels)((const float *)from, o->depth_stride, panels, rows, widths, depth, to);
    return;
  }
  for (int64_t i = 0; i < panels; i++) {
    MB_FN(mb_fma_pack)(from, o->narrow ? o->narrow_dtype : MB_F32, o->stride, o->depth_stride, rows[i], widths[i], depth, to);
    from += rows[i] * o->stride * bytes;
    to += widths[i] * depth;
  }
}

static void pack(operand *o, int64_t k, int64_t depth) {
  pack_context c = {o, k, depth};
  mb_parallel(mb_ceil_div(o->panels, PACK_PANELS) * mb_ceil_div(k, depth), pack_task, &c);
}

/* Lines as the micro-kernels read them, and the memory of as many that come next. */
typedef struct {
  const float *data;
  int64_t stride, depth_stride;
  const void *next;
  int64_t next_bytes;
} tile_lines;

static tile_lines lines_of(const operand *o, int64_t line, int64_t lines, int64_t k, int64_t depth, float *widened) {
  if (o->packed) return (tile_lines){packed_panel(o, line, k, depth), 1, lines, packed_panel(o, line + lines, k, depth), 4 * lines * depth};
  if (!o->narrow) return (tile_lines){element(o, line, k), o->stride, o->depth_stride, element(o, line + lines, k), 4 * lines * o->stride};
  for (int64_t i = 0; i < lines; i++)
    MB_FN(mb_to_f32)(o->narrow + (line + i) * o->stride + k, o->narrow_dtype, depth, widened + i * WIDENED_STRIDE);
  return (tile_lines){widened, WIDENED_STRIDE, 1, o->narrow + (line + lines) * o->stride + k, 2 * lines * o->stride};
}

static void multiply_task(void *opaque, int64_t task, int worker) {
  const fma_block *g = opaque;
  const operand *lines = &g->lines, *lanes = &g->lanes;
  float *widened = lines->narrow ? mb_scratch(worker, MB_SLOT_GEMM_LINES, sizeof(float) * MB_FMA_LINES * WIDENED_STRIDE) : NULL;
  const int64_t first_panel = task / g->line_tasks * g->panels_per_block, end_panel = MB_MIN(lanes->panels, first_panel + g->panels_per_block);
  const int64_t begin = mb_share(lines->panels, g->line_tasks, task % g->line_tasks), end = mb_share(lines->panels, g->line_tasks, task % g->line_tasks + 1);
  _Alignas(64) float sums[MB_FMA_SUM_LINES * MB_FMA_LANES];
  for (int64_t k = 0; k < g->k; k += g->depth) {
    const int64_t depth = MB_MIN(g->depth, g->k - k);
    for (int64_t i = begin; i < end; i++) {
      const int64_t line = panel_begin(lines, i), next = panel_begin(lines, i + 1), rows = next - line;
      const tile_lines a = lines_of(lines, line, rows, k, depth, widened);
      const int64_t share = a.next_bytes / (end_panel - first_panel), step = mb_ceil_div(share, depth);
      for (int64_t panel = first_panel; panel < end_panel; panel++) {
        const int64_t lane = panel_begin(lanes, panel), columns = panel_begin(lanes, panel + 1) - lane;
        const float *b = packed_panel(lanes, lane, k, depth);
        mb_fma_target target = g->target;
        const int64_t at = target.turned ? lane * target.stride + line : line * target.stride + lane;
        target.c += at;
        target.add |= k > 0;
        if (k + depth < g->k) target.c16 = NULL, target.bias = NULL;
        if (target.c16) target.c16 += at;
        if (target.bias) target.bias += line;
        MB_FN(mb_fma_expect)(&target, rows, columns);
        MB_FN(mb_fma_multiply)(rows, columns, depth, a.data, a.stride, a.depth_stride, b,
                            (const char *)a.next + (panel - first_panel) * share, step, sums);
        MB_FN(mb_fma_store)(&target, rows, columns, sums);
      }
    }
  }
}

static void run_block(fma_block *g) {
  g->depth = mb_ceil_div(mb_ceil_div(g->k, mb_ceil_div(g->k, DEPTH)), VL) * VL;
  g->lanes.panels = mb_ceil_div(g->lanes.count, MB_FMA_LANES);
  g->lines.panels = mb_ceil_div(g->lines.count, MB_FMA_LINES);
  pack(&g->lanes, g->k, g->depth);
  if (g->lines.packed) pack(&g->lines, g->k, g->depth);
  /* Blocks alike, and enough tasks that the last ones do not leave workers idle for long. */
  const int64_t block_bytes = g->lines.narrow ? 2 * BLOCK_BYTES : BLOCK_BYTES; /* fewer blocks, less widening */
  const int64_t blocks = mb_ceil_div(g->lanes.panels, MB_MAX(1, block_bytes / (4 * MB_FMA_LANES * g->depth)));
  const int64_t wanted = mb_workers() == 1 ? 1 : 8 * mb_workers();
  g->panels_per_block = mb_ceil_div(g->lanes.panels, blocks);
  g->line_tasks = MB_MIN(mb_ceil_div(g->lines.panels, 2), mb_ceil_div(wanted, blocks));
  mb_parallel(mb_ceil_div(g->lanes.panels, g->panels_per_block) * g->line_tasks, multiply_task, g);
}

/* How many of `count` neighbours a super-block takes, and room for them packed. */
static int64_t super_count(int64_t count, int64_t depth) { return MB_MIN(count, MB_MAX(MB_FMA_LANES, SUPER_BYTES / 4 / depth / MB_FMA_LANES * MB_FMA_LANES)); }

static float *super_room(int64_t count, int64_t depth, int worker, int slot) {
  return mb_scratch(worker, slot, (size_t)((count + VL) * (depth + VL)) * sizeof(float));
}

void MB_FN(mb_gemm_fma)(const mb_gemm_args *x, const float *a, const float *b, float *c, int worker) {
  operand lines = {a, x->a_row, x->a_col, x->m, .are_lines = 1}, lanes = {b, x->b_col, x->b_row, x->n, .are_lines = 0};
  /* (A stride of 1 says nothing where there is one column.) */
  const int turned = x->b16 || x->bias || x->c16 || (x->b_row == 1 && x->n > 1);
  if (turned) {
    lines = (operand){b, x->b_col, x->b_row, x->n, .are_lines = 1, .narrow = x->b16, .narrow_dtype = x->dtype16};
    lanes = (operand){a, x->a_row, x->a_col, x->m, .are_lines = 0, .narrow = x->a16, .narrow_dtype = x->dtype16};
  }
  const int in_depth = lines.depth_stride == 1 && lines.stride % MB_FMA_CONFLICT != 0;
  const int side_by_side = lines.stride == 1 && lines.depth_stride % MB_FMA_CONFLICT != 0 && lanes.count <= FEW_LANES;
  const int as_they_lie = lines.narrow || in_depth || side_by_side;
  const int64_t depth = MB_MIN(x->k, SUPER_DEPTH), most_lanes = super_count(lanes.count, depth);
  const int64_t most_lines = as_they_lie ? lines.count : super_count(lines.count, depth);
  lanes.packed = super_room(most_lanes, depth, worker, MB_SLOT_GEMM_LANES);
  if (!as_they_lie) lines.packed = super_room(most_lines, depth, worker, MB_SLOT_GEMM_LINES);
  for (int64_t k = 0; k < x->k; k += depth)
    for (int64_t lane = 0; lane < lanes.count; lane += most_lanes)
      for (int64_t line = 0; line < lines.count; line += most_lines) {
        fma_block g = {.lines = lines, .lanes = lanes, .k = MB_MIN(depth, x->k - k)};
        if (lines.narrow) g.lines.narrow += k;
        else g.lines.data = element(&lines, line, k);
        g.lines.count = MB_MIN(most_lines, lines.count - line);
        if (lanes.narrow) g.lanes.narrow += lane * lanes.stride + k;
        else g.lanes.data = element(&lanes, lane, k);
        g.lanes.count = MB_MIN(most_lanes, lanes.count - lane);
        const int64_t at = turned ? lane * x->c_row + line : line * x->c_row + lane;
        g.target = (mb_fma_target){.c = c + at, .stride = x->c_row, .turned = turned, .add = x->accumulate || k > 0, .alpha = x->alpha, .dtype16 = x->dtype16};
        if (x->bias && k + g.k == x->k) g.target.bias = x->bias + line;
        if (x->c16 && k + g.k == x->k) g.target.c16 = x->c16 + at;
        run_block(&g);
      }
}
