/* map, for programs that were not compiled: an interpreter. Each thread runs the program on one element at a time; its registers lie in shared memory, [register][thread]. */
#include "kernels/primitives/map.h"
#include "scalar_functions.h"

/* As in device-kit's commands/map-program.ts, and packed for the device. */
constexpr int input_operands = 1 << 16, constant_operands = 1 << 17;
constexpr int packed_inputs = 256, packed_constants = 512;
constexpr int map_threads = 128;

struct map_step {
  uint16_t function, target, a, b, c;
};

template <int Steps, int Constants> struct map_program {
  int32_t inputs, steps, result;
  mb_view out, in[most_map_inputs];
  map_step step[Steps];
  float constant[Constants];
};

#define NUMBER(name, arity, text) FUNCTION_##name,
enum { MB_SCALAR_FUNCTIONS(NUMBER) FUNCTIONS };

static __device__ float evaluate(int function, float a, float b, float c) {
#define CASE(name, arity, text) \
  case FUNCTION_##name: return text;
  switch (function) { MB_SCALAR_FUNCTIONS(CASE) }
  return 0;
}

template <int Registers, typename Program> static __global__ void map_kernel(Program p, int64_t size) {
  MB_SHARED(float, registers, [Registers][map_threads]);
  MB_LOOP(i, size) {
    const auto value_of = [&](int operand) {
      if (operand >= packed_constants) return p.constant[operand - packed_constants];
      if (operand < packed_inputs) return registers[operand][threadIdx.x];
      const mb_view &in = p.in[operand - packed_inputs];
      return load_f32(in.data, in.dtype, offset_of(in, i));
    };
    for (int at = 0; at < p.steps; at++) {
      const map_step &step = p.step[at];
      registers[step.target][threadIdx.x] = evaluate(step.function, value_of(step.a), value_of(step.b), value_of(step.c));
    }
    store_f32(p.out.data, p.out.dtype, i, value_of(p.result));
  }
}

static uint16_t packed(double operand) {
  const int code = (int)operand;
  if (code >= constant_operands) return (uint16_t)(packed_constants + code - constant_operands);
  return (uint16_t)(code >= input_operands ? packed_inputs + code - input_operands : code);
}

/* attributes: inputs, registers, constants, steps, result, the constants, then function, target, a, b, c of each step. */
template <int Registers, int Steps, int Constants> static void run_map(const mb_call &call, int64_t size) {
  const double *a = call.attributes;
  map_program<Steps, Constants> p;
  p.inputs = (int32_t)a[0];
  const int constants = (int)a[2];
  p.steps = (int32_t)a[3];
  p.result = packed(a[4]);
  p.out = call.views[0];
  for (int i = 0; i < p.inputs; i++) {
    p.in[i] = call.views[1 + i];
    coalesce(&p.in[i], 1);
  }
  for (int i = 0; i < constants; i++) p.constant[i] = (float)a[5 + i];
  const double *step = a + 5 + constants;
  for (int i = 0; i < p.steps; i++, step += 5)
    p.step[i] = {(uint16_t)step[0], (uint16_t)step[1], packed(step[2]), packed(step[3]), packed(step[4])};
  const unsigned blocks = loop_blocks((size * loop_threads + map_threads - 1) / map_threads);
  launch(map_kernel<Registers, map_program<Steps, Constants>>, blocks, map_threads, call.stream, p, size);
}

/* The largest program has what src/map-limits.ts says. */
void op_map(const mb_call &call) {
  const double *a = call.attributes;
  const int64_t size = size_of(call.views[0]);
  if (size == 0 || run_compiled_map(call, size)) return;
  if (a[1] <= 8 && a[2] <= 32 && a[3] <= 64) run_map<8, 64, 32>(call, size);
  else run_map<64, 1024, 256>(call, size);
}
