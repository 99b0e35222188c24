/* Kernels that show what the emulator does, by name: prints a line of results. */
#include <cstdio>
#include <cstring>

#include "simt/simt.h"

static __global__ void turn(int *out, bool barrier) {
  MB_SHARED(int, values, [64]);
  values[threadIdx.x] = (int)threadIdx.x;
  if (barrier) __syncthreads();
  out[threadIdx.x] = values[63 - threadIdx.x];
}

static __global__ void sum_of_warp(int *out) {
  int total = (int)threadIdx.x;
  for (int distance = 16; distance > 0; distance /= 2) total += __shfl_xor_sync(0xffffffff, total, distance);
  out[threadIdx.x] = total;
}

static __global__ void any(int *out) {
  const int first = __syncthreads_or(threadIdx.x == 40), second = __syncthreads_or(0);
  out[threadIdx.x] = 10 * first + second;
}

static __global__ void unwritten(int *out) {
  MB_SHARED(float, values, [64]);
  out[threadIdx.x] = values[threadIdx.x] != values[threadIdx.x]; /* of NaN alone */
}

static __global__ void lone_lane(int *out) {
  out[threadIdx.x] = 0;
  if (threadIdx.x == 0) out[0] = __shfl_xor_sync(0xffffffff, 1, 1);
}

static __global__ void where_in_grid(int *out) {
  if (threadIdx.x == 0) out[blockIdx.y * gridDim.x + blockIdx.x] = (int)(10 * blockIdx.y + blockIdx.x);
}

static __global__ void asked_for(int *out) {
  MB_DYNAMIC_SHARED(memory);
  int *const values = reinterpret_cast<int *>(memory);
  const bool poisoned = values[threadIdx.x] == -1;
  values[16383 - threadIdx.x] = (int)threadIdx.x;
  __syncthreads();
  out[threadIdx.x] = values[16383 - 63 + threadIdx.x] + 100 * (poisoned && (uintptr_t)memory % 1024 == 0);
}

#ifndef __CUDACC__
static __global__ void in_turn(int *out) {
  MB_SHARED(int, next, [1]);
  if (threadIdx.x == 0) next[0] = 0;
  __syncthreads();
  simt::wait_until([&] { return next[0] == (int)threadIdx.x; });
  out[threadIdx.x] = next[0]++;
}

static __global__ void never(int *) {
  simt::wait_until([] { return false; });
}
#endif

/* `add` to all values, as often as `times` says, from a graph that was made once. */
static __global__ void add(int *out, int value) { out[threadIdx.x] += value; }

static void replayed(int *out, int times) {
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
  int value = 3;
  launch(add, 1, 64, stream, out, value);
  value = 100;
  cudaStreamEndCapture(stream, &graph);
  cudaGraphInstantiate(&exec, graph, 0);
  cudaGraphDestroy(graph);
  for (int i = 0; i < times; i++) cudaGraphLaunch(exec, stream);
  cudaGraphExecDestroy(exec);
  cudaStreamDestroy(stream);
}

/* What a call answers while its stream is captured, and the end of the capture then. */
static void captured(int *out, cudaError_t (*call)(cudaStream_t stream)) {
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
  out[0] = call(stream);
  out[1] = cudaStreamEndCapture(stream, &graph);
  out[2] = graph == nullptr;
  if (graph) cudaGraphDestroy(graph);
  cudaStreamDestroy(stream);
}

static int pageable[64];
static void *device_memory;
static cudaError_t allocates(cudaStream_t) {
  void *data;
  return cudaMalloc(&data, 64);
}
static cudaError_t frees(cudaStream_t) { return cudaFree(device_memory); }
static cudaError_t waits(cudaStream_t stream) { return cudaStreamSynchronize(stream); }
static cudaError_t asks(cudaStream_t stream) { return cudaStreamQuery(stream); }
static cudaError_t copies_pageable(cudaStream_t stream) { return cudaMemcpyAsync(device_memory, pageable, 64, cudaMemcpyDefault, stream); }
static cudaError_t copies(cudaStream_t stream) { return cudaMemcpyAsync(device_memory, (char *)device_memory + 64, 64, cudaMemcpyDefault, stream); }

int main(int, char **arguments) {
  int out[64] = {};
  cudaMalloc(&device_memory, 256);
  const char *kernel = arguments[1];
  if (strcmp(kernel, "turn") == 0) launch(turn, 1, 64, nullptr, out, true);
  if (strcmp(kernel, "turn without a barrier") == 0) launch(turn, 1, 64, nullptr, out, false);
  if (strcmp(kernel, "sum of a warp") == 0) launch(sum_of_warp, 1, 64, nullptr, out);
  if (strcmp(kernel, "any") == 0) launch(any, 1, 64, nullptr, out);
  if (strcmp(kernel, "unwritten") == 0) launch(unwritten, 1, 64, nullptr, out);
  if (strcmp(kernel, "a lone lane") == 0) launch(lone_lane, 1, 64, nullptr, out);
  if (strcmp(kernel, "grid") == 0) launch(where_in_grid, {4, 3}, 32, nullptr, out);
  if (strcmp(kernel, "dynamic") == 0) launch_shared(asked_for, 2, 64, 64 << 10, nullptr, out);
  if (strcmp(kernel, "in turn") == 0) launch(in_turn, 1, 64, nullptr, out);
  if (strcmp(kernel, "replayed") == 0) replayed(out, 4);
  if (strcmp(kernel, "captured malloc") == 0) captured(out, allocates);
  if (strcmp(kernel, "captured free") == 0) captured(out, frees);
  if (strcmp(kernel, "captured wait") == 0) captured(out, waits);
  if (strcmp(kernel, "captured query") == 0) captured(out, asks);
  if (strcmp(kernel, "captured copy of pageable memory") == 0) captured(out, copies_pageable);
  if (strcmp(kernel, "captured copy") == 0) captured(out, copies);
  if (strcmp(kernel, "never") == 0) launch(never, 1, 32, nullptr, out);
  for (const int value : out) printf("%d ", value);
}
