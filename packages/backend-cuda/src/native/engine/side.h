/* What runs beside a stream's commands: work that functions of other libraries queue on a CUDA stream of its own. It begins behind the commands before,
 * and a capture of these takes it along. */
#ifndef MB_SIDE_H
#define MB_SIDE_H

#include "engine/call.h"

class mb_side {
  cudaStream_t stream = nullptr;
  cudaEvent_t ready = nullptr, done = nullptr;
  bool begun = false; /* and not settled */

public:
  ~mb_side();
  /* Where to queue what runs beside; nullptr: CUDA has none, and its error is the last one. */
  cudaStream_t begin(cudaStream_t main);
  /* Makes what is queued on `main` from now on wait. */
  void settle(cudaStream_t main);
};

#endif
