/* A ring of places in shared memory: one thread fills them by TMA, warpgroups multiply what is in them. */
#ifndef MB_SM90_RING_H
#define MB_SM90_RING_H

#include "simt/tensor_map.h"
#include "simt/wgmma.h"

/* Where a thread is in a ring, and which turn it is. */
template <int places> struct mb_ring_position {
  int place = 0;
  unsigned turn = 0; /* its parity */

  MB_CLOSE void next() {
    if (++place < places) return;
    place = 0;
    turn ^= 1;
  }
};

/* In shared memory. */
template <int places> struct mb_ring {
  uint64_t full[places], empty[places];
};

#ifdef MB_HOPPER

/* One thread calls this, before a fence_barrier_init and a barrier of the block. @param warps those that empty places. */
template <int places> MB_DEVICE void prepare_ring(mb_ring<places> &ring, unsigned warps) {
  for (int place = 0; place < places; place++) {
    barrier_init(ring.full + place, 1);
    barrier_init(ring.empty + place, warps);
  }
}

/* The filling thread waits for an empty place and says how many bytes come. */
template <int places> MB_DEVICE uint64_t *begin_filling(mb_ring<places> &ring, const mb_ring_position<places> &at, unsigned bytes) {
  barrier_wait(ring.empty + at.place, at.turn ^ 1);
  barrier_expect(ring.full + at.place, bytes);
  return ring.full + at.place;
}

template <int places> MB_DEVICE void wait_until_full(mb_ring<places> &ring, const mb_ring_position<places> &at) {
  barrier_wait(ring.full + at.place, at.turn);
}

/* The warp has done with a place. */
template <int places> MB_DEVICE void give_empty(mb_ring<places> &ring, int place) {
  if (threadIdx.x % 32 == 0) barrier_arrive(ring.empty + place);
}

#endif

#endif
