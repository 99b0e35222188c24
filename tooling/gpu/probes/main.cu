/* Prints lines of JSON: `check` what each probe wrote, `accuracy` how far functions are off, `copy BYTES` how fast memory is. */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "functions.h"
#include "probe.h"

static std::vector<probe> &probes() {
  static std::vector<probe> all;
  return all;
}

add_probe::add_probe(const probe &p) { probes().push_back(p); }

int device_architecture(void) {
  static cudaDeviceProp properties;
  cudaGetDeviceProperties(&properties, 0);
  return properties.major * 10 + properties.minor;
}

static bool done(const char *what) {
  const cudaError_t waited = cudaStreamSynchronize(nullptr), error = waited == cudaSuccess ? cudaGetLastError() : waited;
  if (error == cudaSuccess) return true;
  printf("{\"name\": \"%s\", \"error\": \"%s\"}\n", what, cudaGetErrorString(error));
  return false;
}

/* Of the first of them, to see what is wrong. */
constexpr size_t shown_words = 64;

/* FNV-1a. */
static uint64_t digest(const std::vector<uint32_t> &words) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const uint32_t word : words)
    for (int byte = 0; byte < 4; byte++) hash = (hash ^ ((word >> 8 * byte) & 255)) * 0x100000001b3;
  return hash;
}

static int check(void) {
  for (const probe &p : probes()) {
    const char *const lacking = p.lacking ? p.lacking() : nullptr;
    if (lacking) {
      printf("{\"name\": \"%s\", \"lacking\": \"%s\"}\n", p.name, lacking);
      continue;
    }
    const size_t bytes = (size_t)p.words * 4;
    uint32_t *device;
    std::vector<uint32_t> words((size_t)p.words);
    cudaMalloc((void **)&device, bytes);
    cudaMemsetAsync(device, 0, bytes, nullptr);
    p.run(device);
    if (!done(p.name)) return 1; /* nothing works after a fault */
    cudaMemcpyAsync(words.data(), device, bytes, cudaMemcpyDefault, nullptr);
    cudaStreamSynchronize(nullptr);
    cudaFree(device);
    printf("{\"name\": \"%s\", \"digest\": \"%016llx\", \"words\": \"", p.name, (unsigned long long)digest(words));
    for (size_t i = 0; i < words.size() && i < shown_words; i++) printf("%x ", words[i]);
    printf("\"}\n");
    fflush(stdout);
  }
  return 0;
}

static int copy(size_t bytes) {
  void *from, *to;
  if (cudaMalloc(&from, bytes) != cudaSuccess || cudaMalloc(&to, bytes) != cudaSuccess) return 1;
  double best = 0;
  for (int round = 0; round < 20; round++) {
    const auto began = std::chrono::steady_clock::now();
    const int copies = 10;
    for (int i = 0; i < copies; i++) cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, nullptr);
    if (!done("copy")) return 1;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const double rate = 2.0 * copies * (double)bytes / seconds / 1e9;
    if (rate > best) best = rate;
  }
  printf("{\"name\": \"copy\", \"gigabytesPerSecond\": %.1f}\n", best);
  return 0;
}

int main(int count, char **arguments) {
  const char *const what = count > 1 ? arguments[1] : "";
  if (strcmp(what, "check") == 0) return check();
  if (strcmp(what, "accuracy") == 0) return print_accuracy(), !done("accuracy");
  if (strcmp(what, "copy") == 0 && count > 2) return copy((size_t)atoll(arguments[2]));
  fprintf(stderr, "expected check, accuracy or copy BYTES\n");
  return 2;
}
