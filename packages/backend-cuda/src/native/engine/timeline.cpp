#include "engine/timeline.h"

#include <cinttypes>

static const int item_bytes[] = {4, 2, 2, 8, 4, 4}; /* by mb_dtype */

static int64_t bytes_of_views(const mb_command *command) {
  int64_t bytes = 0;
  for (const mb_view *view = views_of(command), *end = view + command->views; view < end; view++) {
    if (view->data == nullptr) continue;
    int64_t size = item_bytes[view->dtype];
    for (int32_t axis = 0; axis < view->rank; axis++) size *= view->shape[axis];
    bytes += size;
  }
  return bytes;
}

void mb_timeline::begin(cudaStream_t stream) {
  spans.push_back({});
  cudaEventCreate(&spans.back().from);
  cudaEventCreate(&spans.back().to);
  cudaEventRecord(spans.back().from, stream);
}

void mb_timeline::end(const mb_command *command, cudaStream_t stream) {
  span &done = spans.back();
  done.operation = command->operation;
  done.bytes = bytes_of_views(command);
  cudaEventRecord(done.to, stream);
  if (spans.size() < 4096) return;
  cudaStreamSynchronize(stream);
  write();
}

/* Goes on to an event, whose predecessor is not needed any more. */
double mb_timeline::advance(cudaEvent_t to) {
  float milliseconds = 0;
  if (last) {
    cudaEventElapsedTime(&milliseconds, last, to);
    cudaEventDestroy(last);
  }
  last = to;
  return now += milliseconds * 1000.0;
}

void mb_timeline::write() {
  for (const span &each : spans) {
    const double from = advance(each.from), to = advance(each.to);
    fprintf(file, "%s\n{\"name\":\"%s\",\"ph\":\"X\",\"pid\":0,\"tid\":0,\"ts\":%.3f,\"dur\":%.3f,\"args\":{\"bytes\":%" PRId64 "}}", any ? "," : "",
            shown_operation(each.operation), from, to - from, each.bytes);
    any = true;
  }
  spans.clear();
}

mb_timeline::~mb_timeline() {
  write();
  if (last) cudaEventDestroy(last);
  fprintf(file, "\n]\n");
  fclose(file);
}
