/* How far functions are from the truth, in units of the last place: f64 of the host is the truth. */
#include <cstdio>

#include "base/convert.h"
#include "functions.h"
#include "probe.h"
#include "simt/warp.h"

constexpr int count = 1 << 16, threads = 128;

/* `count` inputs, evenly from `from` to `to`. */
struct range {
  float from, to;
};

static __device__ float input_at(int i, range r) { return r.from + (r.to - r.from) * ((float)i / (float)(count - 1)); }

#define FUNCTION(name)                                                               \
  static __global__ void name##_kernel(float *x, float *y, range r) {                \
    const int i = (int)(blockIdx.x * threads + threadIdx.x);                         \
    x[i] = input_at(i, r);                                                           \
    y[i] = name(x[i]);                                                               \
  }
FUNCTION(expf)
FUNCTION(logf)
FUNCTION(tanhf)
FUNCTION(erff)
FUNCTION(sinf)
FUNCTION(cosf)
FUNCTION(rsqrtf)
FUNCTION(fast_exp2)

static double reciprocal_root(double a) { return 1 / sqrt(a); }

struct function {
  const char *name;
  void (*kernel)(float *, float *, range);
  double (*truth)(double);
  range over;
  double limit; /* of the CUDA C++ programming guide */
};

static const function functions[] = {
    {"expf", expf_kernel, exp, {-86, 88}, 2},          {"logf", logf_kernel, log, {1e-6f, 100}, 1},
    {"tanhf", tanhf_kernel, tanh, {-9, 9}, 2},         {"erff", erff_kernel, erf, {-4, 4}, 2},
    {"sinf", sinf_kernel, sin, {-100, 100}, 2},        {"cosf", cosf_kernel, cos, {-100, 100}, 2},
    {"rsqrtf", rsqrtf_kernel, reciprocal_root, {1e-6f, 100}, 2},
    /* Its error is that of the PTX manual, 2^-22.5 of the result. */
    {"fast_exp2", fast_exp2_kernel, exp2, {-120, 10}, 3},
};

void print_accuracy(void) {
  float *x, *y;
  cudaMalloc((void **)&x, count * sizeof *x);
  cudaMalloc((void **)&y, count * sizeof *y);
  static float host_x[count], host_y[count];
  for (const function &f : functions) {
    launch(f.kernel, count / threads, threads, nullptr, x, y, f.over);
    cudaMemcpyAsync(host_x, x, sizeof host_x, cudaMemcpyDefault, nullptr);
    cudaMemcpyAsync(host_y, y, sizeof host_y, cudaMemcpyDefault, nullptr);
    cudaStreamSynchronize(nullptr);
    double worst = 0, at = 0;
    for (int i = 0; i < count; i++) {
      const double truth = f.truth((double)host_x[i]);
      int exponent;
      frexp(truth, &exponent);
      const double place = ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
      const double off = fabs((double)host_y[i] - truth) / place;
      if (!(off <= worst)) worst = off, at = host_x[i];
    }
    printf("{\"name\": \"%s\", \"ulps\": %.3g, \"at\": %.9g, \"limit\": %g}\n", f.name, worst == worst ? worst : 1e30, at, f.limit);
  }
}
