/* When each command began and ended on the device, as a file of trace events (chrome://tracing, Perfetto): name, microseconds, bytes of the views. */
#ifndef MB_TIMELINE_H
#define MB_TIMELINE_H

#include <cstdio>
#include <vector>

#include "engine/commands.h"

class mb_timeline {
public:
  /* `file` is the timeline's from then on. */
  explicit mb_timeline(FILE *file) : file(file) { fprintf(file, "["); }
  /* Nothing is queued any more. */
  ~mb_timeline();
  void begin(cudaStream_t stream);
  void end(const mb_command *command, cudaStream_t stream);

private:
  struct span {
    int32_t operation;
    int64_t bytes;
    cudaEvent_t from, to;
  };
  FILE *file;
  std::vector<span> spans; /* not written yet */
  cudaEvent_t last = nullptr;
  double now = 0; /* of `last`, in microseconds since the first command */
  bool any = false;

  double advance(cudaEvent_t to);
  void write();
};

#endif
