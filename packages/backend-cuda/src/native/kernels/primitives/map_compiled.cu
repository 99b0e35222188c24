/* map with the programs of scripts/map-expressions.json, compiled: eight elements a thread where each input is dense or one number, else one by one. */
#include "base/pack.h"
#include "kernels/primitives/map.h"
#include "scalar_functions.h"

#define FUNCTION(name, arity, text) \
  MB_CLOSE float scalar_##name([[maybe_unused]] float a, [[maybe_unused]] float b = 0, [[maybe_unused]] float c = 0) { return text; }
MB_SCALAR_FUNCTIONS(FUNCTION)

#include "map_programs.h"

constexpr int most_compiled_constants = 8;

namespace {

struct map_packs {
  mb_dense out, in[most_map_inputs];
  bool single[most_map_inputs]; /* one number for all elements */
  float constant[most_compiled_constants];
};

struct map_elements {
  mb_view out, in[most_map_inputs];
  float constant[most_compiled_constants];
};

} // namespace

template <typename Program> static __global__ void map_by_packs(const map_packs m, int64_t size) {
  MB_LOOP(i, size / pack_size) {
    mb_pack packs[Program::inputs];
#pragma unroll
    for (int in = 0; in < Program::inputs; in++)
      if (!m.single[in]) packs[in] = fetch(m.in[in], i * pack_size);
    float x[Program::inputs][pack_size], results[pack_size];
#pragma unroll
    for (int in = 0; in < Program::inputs; in++) {
      if (!m.single[in]) widen(packs[in], m.in[in].dtype, x[in]);
      else {
        const float value = load(m.in[in], 0);
        for (int j = 0; j < pack_size; j++) x[in][j] = value;
      }
    }
#pragma unroll
    for (int j = 0; j < pack_size; j++) {
      float values[Program::inputs];
#pragma unroll
      for (int in = 0; in < Program::inputs; in++) values[in] = x[in][j];
      results[j] = Program::value(values, m.constant);
    }
    store_pack(m.out, i * pack_size, results);
  }
  const int64_t rest = size / pack_size * pack_size + threadIdx.x;
  if (blockIdx.x > 0 || rest >= size) return;
  float values[Program::inputs];
#pragma unroll
  for (int in = 0; in < Program::inputs; in++) values[in] = load(m.in[in], m.single[in] ? 0 : rest);
  store(m.out, rest, Program::value(values, m.constant));
}

template <typename Program> static __global__ void map_by_elements(const map_elements m, int64_t size) {
  MB_LOOP(i, size) {
    float values[Program::inputs];
#pragma unroll
    for (int in = 0; in < Program::inputs; in++) values[in] = load_f32(m.in[in].data, m.in[in].dtype, offset_of(m.in[in], i));
    store_f32(m.out.data, m.out.dtype, i, Program::value(values, m.constant));
  }
}

template <typename Program> static void run(const mb_call &call, int64_t size) {
  const double *const constants = call.attributes + 5;
  map_packs packs = {dense(call.views[0]), {}, {}, {}};
  map_elements elements = {call.views[0], {}, {}};
  bool fits = holds_packs(packs.out);
  for (int i = 0; i < Program::inputs; i++) {
    mb_view &in = elements.in[i];
    in = call.views[1 + i];
    coalesce(&in, 1);
    packs.in[i] = dense(in);
    packs.single[i] = in.rank == 0 || (in.rank == 1 && in.stride[0] == 0);
    fits = fits && (packs.single[i] || (in.rank == 1 && in.stride[0] == 1 && holds_packs(packs.in[i])));
  }
  for (int i = 0; i < (int)call.attributes[2]; i++) packs.constant[i] = elements.constant[i] = (float)constants[i];
  if (fits) launch(map_by_packs<Program>, loop_blocks(size / pack_size + 1), loop_threads, call.stream, packs, size);
  else launch(map_by_elements<Program>, loop_blocks(size), loop_threads, call.stream, elements, size);
}

/* Attributes of a command, after the number of inputs, against a signature: registers, constants, steps, result; then the steps. */
template <int Length> static bool matches(const double *attributes, const double (&signature)[Length]) {
  for (int i = 0; i < 4; i++)
    if (attributes[1 + i] != signature[i]) return false;
  const double *const steps = attributes + 5 + (int)attributes[2];
  for (int i = 4; i < Length; i++)
    if (steps[i - 4] != signature[i]) return false;
  return true;
}

bool run_compiled_map(const mb_call &call, int64_t size) {
#define TRY(number) \
  if (matches(call.attributes, map_signature_##number)) return run<map_program_##number>(call, size), true;
  MB_MAP_PROGRAMS(TRY)
  return false;
}
