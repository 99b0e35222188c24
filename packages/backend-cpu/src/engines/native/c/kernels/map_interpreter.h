/* The block interpreter of `map`, a template: kernels/map_f32.c and kernels/map_f64.c include it after defining
 *
 *   REAL          float or double
 *   STEP          elements that one step of a function's loop takes
 *   TYPED(name)   the name with the type's suffix; TYPED_DTYPE, TYPED_LOAD, TYPED_STORE: its dtype, block load and store
 *   operand       where an operand lies, and whether it advances (1) or repeats one step (0)
 *   functions     a table of loops `t[i] = f(x[i], y[i], z[i])`, in the order of MB_SCALAR_FUNCTIONS
 *
 * Each call of the program runs over a block of elements before the next call does, so its loop is plain vector code and the
 * temporaries stay in the L1 cache. Attributes are laid out by native/map.ts. */
#include "base/command.h"
#include "base/parallel.h"
#include "base/strided.h"

#define MAP_BLOCK 512
#define MAP_TASK (32 * MAP_BLOCK)
#define MAX_INPUTS 6
#define INPUT_OPERANDS (1 << 16)
#define CONSTANT_OPERANDS (1 << 17)

void MB_FN(mb_op_copy)(const mb_view *views, const double *attributes);

typedef struct {
  mb_view out, in[MAX_INPUTS];
  int64_t size, temporaries, calls;
  int32_t inputs, result;
  const double *program; /* five numbers a call: function, target, a, b, c */
  const REAL *constants; /* each repeated STEP times */
} map_context;

static operand operand_of(const map_context *c, const operand *inputs, const REAL *temporaries, int32_t code) {
  if (code >= CONSTANT_OPERANDS) return (operand){c->constants + (code - CONSTANT_OPERANDS) * STEP, 0};
  if (code >= INPUT_OPERANDS) return inputs[code - INPUT_OPERANDS];
  return (operand){temporaries + code * MAP_BLOCK, 1};
}

static int is_real(const mb_view *view) { return view->dtype == TYPED_DTYPE; }

static operand load_input(const mb_view *in, int64_t start, int64_t n, REAL *block) {
  if (mb_is_uniform(in)) {
    TYPED_LOAD(in, 0, 1, block);
    for (int i = 1; i < STEP; i++) block[i] = block[0];
    return (operand){block, 0};
  }
  if (is_real(in) && mb_is_contiguous(in) && n % STEP == 0) return (operand){(const REAL *)in->data + start, 1};
  TYPED_LOAD(in, start, n, block);
  for (int64_t i = n; i % STEP != 0; i++) block[i] = 0;
  return (operand){block, 1};
}

static void map_block(const map_context *c, int64_t start, int64_t n, REAL *temporaries) {
  REAL *blocks = temporaries + c->temporaries * MAP_BLOCK;
  operand inputs[MAX_INPUTS];
  for (int32_t i = 0; i < c->inputs; i++) inputs[i] = load_input(&c->in[i], start, n, blocks + i * MAP_BLOCK);

  const int direct = is_real(&c->out) && n % STEP == 0;
  const double *call = c->program;
  for (int64_t i = 0; i < c->calls; i++, call += 5) {
    const operand x = operand_of(c, inputs, temporaries, (int32_t)call[2]);
    const operand y = operand_of(c, inputs, temporaries, (int32_t)call[3]);
    const operand z = operand_of(c, inputs, temporaries, (int32_t)call[4]);
    const int last = i + 1 == c->calls && (int32_t)call[1] == c->result;
    REAL *target = direct && last ? (REAL *)c->out.data + start : temporaries + (int64_t)call[1] * MAP_BLOCK;
    functions[(int32_t)call[0]](n, target, x, y, z);
    if (direct && last) return;
  }
  operand result = operand_of(c, inputs, temporaries, c->result);
  if (!result.advance) {
    for (int64_t i = 0; i < n; i++) blocks[i] = result.data[0];
    result.data = blocks;
  }
  TYPED_STORE(&c->out, start, n, result.data);
}

static void map_task(void *opaque, int64_t task, int worker) {
  const map_context *c = opaque;
  REAL *temporaries = mb_scratch(worker, MB_SLOT_CONVERT, (size_t)((c->temporaries + MAX_INPUTS) * MAP_BLOCK) * sizeof(REAL));
  const int64_t end = MB_MIN(c->size, (task + 1) * MAP_TASK);
  for (int64_t start = task * MAP_TASK; start < end; start += MAP_BLOCK)
    map_block(c, start, MB_MIN(MAP_BLOCK, end - start), temporaries);
}

/* Inputs whose last axis is not contiguous are laid out densely first, square by square, where reading them block by block would touch a
 * cache line per element. */
#define DENSE_FROM (16 * MAP_BLOCK)
static int wants_dense(const mb_view *in, int64_t size) {
  return size >= DENSE_FROM && in->rank > 0 && in->stride[in->rank - 1] != 0 && in->stride[in->rank - 1] != 1;
}

static void make_dense(mb_view *in, char **memory) {
  mb_view copies[2] = {*in, *in};
  copies[0].data = *memory;
  int64_t stride = 1;
  for (int32_t axis = in->rank - 1; axis >= 0; axis--) {
    copies[0].stride[axis] = stride;
    stride *= in->shape[axis];
  }
  *memory += stride * mb_bytes_of(in->dtype);
  MB_FN(mb_op_copy)(copies, NULL);
  *in = copies[0];
  MB_FN(mb_coalesce)((mb_view *[]){in}, 1);
}

/* views: out, inputs…; attributes: inputs, temporaries, constants, calls, result, constant values…, calls… */
void MB_FN(TYPED(mb_map))(const mb_view *views, const double *attributes) {
  map_context context = {.out = views[0], .inputs = (int32_t)attributes[0], .temporaries = (int64_t)attributes[1]};
  map_context *c = &context;
  const int64_t constants = (int64_t)attributes[2];
  c->calls = (int64_t)attributes[3];
  c->result = (int32_t)attributes[4];
  c->program = attributes + 5 + constants;
  c->size = mb_size_of(&c->out);
  if (c->size == 0) return;
  MB_FN(mb_coalesce)((mb_view *[]){&c->out}, 1);
  int64_t dense_bytes = 0;
  for (int32_t i = 0; i < c->inputs; i++) {
    c->in[i] = views[1 + i];
    MB_FN(mb_coalesce)((mb_view *[]){&c->in[i]}, 1);
    if (wants_dense(&c->in[i], c->size)) dense_bytes += c->size * mb_bytes_of(c->in[i].dtype);
  }
  char *memory = dense_bytes ? mb_scratch(0, MB_SLOT_KERNEL_1, (size_t)dense_bytes) : NULL;
  for (int32_t i = 0; i < c->inputs; i++)
    if (wants_dense(&c->in[i], c->size)) make_dense(&c->in[i], &memory);
  REAL *splats = mb_scratch(0, MB_SLOT_KERNEL_0, (size_t)((constants + 1) * STEP) * sizeof(REAL));
  for (int64_t i = 0; i < constants * STEP; i++) splats[i] = (REAL)attributes[5 + i / STEP];
  c->constants = splats;
  mb_parallel(mb_ceil_div(c->size, MAP_TASK), map_task, c);
}
