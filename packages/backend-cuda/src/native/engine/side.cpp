#include "engine/side.h"

mb_side::~mb_side() {
  if (stream) cudaStreamSynchronize(stream);
  if (ready) cudaEventDestroy(ready);
  if (done) cudaEventDestroy(done);
  if (stream) cudaStreamDestroy(stream);
}

cudaStream_t mb_side::begin(cudaStream_t main) {
  if (!stream && cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) != cudaSuccess) return nullptr;
  for (cudaEvent_t *event : {&ready, &done})
    if (!*event && cudaEventCreateWithFlags(event, cudaEventDisableTiming) != cudaSuccess) return nullptr;
  if (cudaEventRecord(ready, main) != cudaSuccess || cudaStreamWaitEvent(stream, ready, 0) != cudaSuccess) return nullptr;
  begun = true;
  return stream;
}

void mb_side::settle(cudaStream_t main) {
  if (!begun) return;
  begun = false;
  if (cudaEventRecord(done, stream) == cudaSuccess) cudaStreamWaitEvent(main, done, 0);
}
