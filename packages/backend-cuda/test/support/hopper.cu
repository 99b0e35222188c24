/* Kernels that show what the emulator of sm_90a does, by name: right ones print results, wrong ones end the process. */
#include <cstdio>
#include <cstring>
#include <vector>

#include "simt/tensor_map.h"
#include "simt/wgmma.h"

typedef uint16_t bf16;

/* Whole numbers from -8 to 8: sums of their products are exact. */
static float value_at(unsigned matrix, unsigned row, unsigned column) {
  return (float)((matrix * 7919 + row * 131 + column * 37 + row * column * 11) % 17) - 8;
}

static bf16 bf16_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return (bf16)(bits >> 16);
}

/* How a tile of `rows` × 64 lies in shared memory: along K or along rows, by swizzle. */
struct tile_layout {
  swizzle mode;
  bool transposed;
};

/* Bytes per row of memory. */
static unsigned span_of(swizzle mode) { return mode == swizzle::none ? 16 : 256 >> (unsigned)mode; }

/* The plain definition: strips of `span` bytes, each `lines` rows long, chunks of 16 bytes exchanged by the row's number. */
static unsigned place_of(tile_layout layout, unsigned rows, unsigned row, unsigned k) {
  const unsigned line = layout.transposed ? k : row, across = layout.transposed ? row : k, lines = layout.transposed ? 64 : rows;
  const unsigned span = span_of(layout.mode), chunks = span / 16, strip = across * 2 / span, within = across * 2 % span;
  const unsigned turn = layout.mode == swizzle::none ? 0 : line / (8 / chunks) % chunks;
  return strip * lines * span + line * span + ((within / 16) ^ turn) * 16 + within % 16;
}

/* The descriptor of columns k … k + 15 of such a tile. */
static uint64_t descriptor_of(const unsigned char *tile, tile_layout layout, unsigned rows, unsigned k) {
  const unsigned span = span_of(layout.mode);
  if (layout.transposed && layout.mode == swizzle::none) return matrix_descriptor(tile + k * span, 8 * span, 64 * span, layout.mode);
  if (layout.transposed) return matrix_descriptor(tile + k * span, 64 * span, 8 * span, layout.mode);
  return matrix_descriptor(tile + k * 2 / span * rows * span + k * 2 % span, rows * span, 8 * span, layout.mode);
}

enum class fault { no, early_read, no_wait, no_fence, no_proxy_fence, overwritten, register_overwritten, accumulator_written, one_warp, different };

/* out[128 × half] = a · bᵀ twice, 64 deep, by 128 threads: the second time on top of the first. */
template <int half, int transposed_a, int transposed_b> static void product(float *out, swizzle mode, bool registers, fault wrong) {
  MB_DYNAMIC_SHARED(memory);
  const unsigned columns = 2 * half, thread = threadIdx.x;
  unsigned char *const right = memory + 64 * 128;
  const tile_layout a_layout = {mode, (bool)transposed_a}, b_layout = {mode, (bool)transposed_b};
  for (unsigned at = thread; at < 64 * 64; at += 128)
    *(bf16 *)(memory + place_of(a_layout, 64, at / 64, at % 64)) = bf16_of(value_at(1, at / 64, at % 64));
  for (unsigned at = thread; at < columns * 64; at += 128)
    *(bf16 *)(right + place_of(b_layout, columns, at / 64, at % 64)) = bf16_of(value_at(2, at / 64, at % 64));
  if (wrong != fault::no_proxy_fence) fence_async();
  __syncthreads();

  uint32_t a[4][4];
  const unsigned row = 16 * (thread / 32) + thread % 32 / 4, column = 2 * (thread % 4);
  for (unsigned step = 0; step < 4; step++)
    for (unsigned i = 0; i < 4; i++) {
      const unsigned r = row + 8 * (i % 2), k = 16 * step + column + 8 * (i / 2);
      a[step][i] = bf16_of(value_at(1, r, k)) | (uint32_t)bf16_of(value_at(1, r, k + 1)) << 16;
    }
  float d[half];
  if (wrong != fault::no_fence) wgmma_fence();
  for (unsigned repeat = 0; repeat < 2; repeat++) {
    for (unsigned step = 0; step < 4; step++) {
      const uint64_t b = descriptor_of(right, b_layout, columns, 16 * step);
      if (wrong == fault::one_warp && thread >= 32) continue;
      const bool more = repeat + step > 0 && !(wrong == fault::different && thread == 7);
      if (registers) wgmma<transposed_b>(d, a[step], b, more);
      else wgmma<transposed_a, transposed_b>(d, descriptor_of(memory, a_layout, 64, 16 * step), b, more);
    }
    wgmma_commit();
  }
  if (wrong == fault::overwritten && thread == 100) right[64] ^= 1;
  if (wrong == fault::register_overwritten) a[3][0]++;
  if (wrong == fault::accumulator_written && thread == 3) d[1] = 0;
  float early[half];
  memcpy(early, d, sizeof d);
  if (wrong != fault::no_wait) wgmma_wait<1>();
  if (wrong != fault::no_wait) wgmma_wait<0>(d);
  for (unsigned i = 0; i < half; i++) {
    const unsigned r = row + 8 * (i / 2 % 2), c = 8 * (i / 4) + column + i % 2;
    out[r * columns + c] = wrong == fault::early_read ? early[i] : d[i];
  }
}

/* How many numbers are not twice the sum that the definition says. */
template <int half, int transposed_a, int transposed_b> static int product_faults(swizzle mode, bool registers, fault wrong = fault::no) {
  std::vector<float> out(64 * 2 * half);
  launch_shared(product<half, transposed_a, transposed_b>, 1, 128, 64 * 128 + 2 * half * 128, nullptr, out.data(), mode, registers, wrong);
  int faults = 0;
  for (unsigned row = 0; row < 64; row++)
    for (unsigned column = 0; column < 2 * half; column++) {
      float sum = 0;
      for (unsigned k = 0; k < 64; k++) sum += value_at(1, row, k) * value_at(2, column, k);
      faults += out[row * 2 * half + column] != 2 * sum;
    }
  return faults;
}

template <int half> static void products_of() {
  for (const swizzle mode : {swizzle::none, swizzle::bytes_128, swizzle::bytes_64, swizzle::bytes_32}) {
    printf("%d ", product_faults<half, 0, 0>(mode, false));
    printf("%d ", product_faults<half, 0, 1>(mode, false));
    printf("%d ", product_faults<half, 1, 0>(mode, false));
    printf("%d ", product_faults<half, 1, 1>(mode, false));
    printf("%d ", product_faults<half, 0, 0>(mode, true));
    printf("%d ", product_faults<half, 0, 1>(mode, true));
  }
}

int boxes(const char *name);
int barriers(const char *name);

int main(int, char **arguments) {
  const char *name = arguments[1];
  const struct {
    const char *name;
    fault wrong;
    bool registers;
  } faults[] = {
      {"early read", fault::early_read, false},
      {"no wait", fault::no_wait, false},
      {"no fence", fault::no_fence, false},
      {"no proxy fence", fault::no_proxy_fence, false},
      {"overwritten", fault::overwritten, false},
      {"register overwritten", fault::register_overwritten, true},
      {"accumulator written", fault::accumulator_written, false},
      {"one warp", fault::one_warp, false},
      {"different", fault::different, false},
  };
  for (const auto &one : faults)
    if (strcmp(name, one.name) == 0) return printf("%d", product_faults<32, 0, 0>(swizzle::bytes_128, one.registers, one.wrong)), 0;
  if (strcmp(name, "products") == 0) return products_of<32>(), products_of<64>(), products_of<128>(), 0;
  return boxes(name) && barriers(name);
}
