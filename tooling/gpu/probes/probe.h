/* Probes: kernels that each show what one intrinsic does, as words that must be the same on a GPU and in the emulator. */
#ifndef MB_PROBE_H
#define MB_PROBE_H

#include <cstdint>
#include <cstring>

#include "simt/simt.h"

struct probe {
  const char *name;
  int words;                     /* that it writes */
  void (*run)(uint32_t *device); /* launches on the default stream */
  const char *(*lacking)(void);  /* why the device cannot; nullptr where it can. May be nullptr itself. */
};

/* For the program's list, before main. */
struct add_probe {
  add_probe(const probe &p);
};

#define MB_PROBE(id, name, words, ...)                     \
  static void id##_run(uint32_t *device) { __VA_ARGS__; }  \
  static const add_probe id##_added({name, words, id##_run, nullptr})

/* Compute capability of device 0 times ten. */
int device_architecture(void);

/* Input `i` of a probe: any 32 bits. */
MB_CLOSE uint32_t scrambled(uint32_t i) {
  i = (i ^ (i >> 16)) * 0x7feb352du;
  i = (i ^ (i >> 15)) * 0x846ca68bu;
  return i ^ (i >> 16);
}

#endif
