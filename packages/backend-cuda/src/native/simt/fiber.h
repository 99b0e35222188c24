/* Fibers: stacks of their own on one thread, switched by hand. */
#ifndef MB_SIMT_FIBER_H
#define MB_SIMT_FIBER_H

#include <cstddef>

namespace simt {

/* A stack pointer from which `enter` begins on the stack that ends at `top`; `enter` does not return. */
void *fresh_stack(char *top, void (*enter)());

/* Goes on at `to`, which fresh_stack or an earlier switch made; where this one goes on is left in `from`. */
extern "C" void mb_switch_stack(void **from, void *to);

} // namespace simt

#endif
