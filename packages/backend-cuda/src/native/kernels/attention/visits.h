/* Counts the tiles that blocks work on, where the emulator runs them: their number must grow with the window, not with the length. */
#ifndef MB_ATTENTION_VISITS_H
#define MB_ATTENTION_VISITS_H

#include "simt/simt.h"

#ifdef __CUDACC__
#define MB_VISIT() (void)0
#else
#include <atomic>
/* By thread 0 of each block. */
inline std::atomic<int64_t> mb_attention_visits{0};
#define MB_VISIT() (void)(threadIdx.x == 0 && ++mb_attention_visits)
#endif

#endif
