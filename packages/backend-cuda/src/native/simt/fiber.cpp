#include "simt/fiber.h"

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)

/* Keeps what a function must leave as it was: six registers and the stack pointer. */
__asm__(R"(
.text
.p2align 4
.hidden mb_switch_stack
.globl mb_switch_stack
mb_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
)");

namespace simt {

void *fresh_stack(char *top, void (*enter)()) {
  uint64_t *at = reinterpret_cast<uint64_t *>(reinterpret_cast<uintptr_t>(top) & ~(uintptr_t)15);
  *--at = 0; /* where `enter` would return to */
  *--at = reinterpret_cast<uint64_t>(enter);
  for (int saved = 0; saved < 6; saved++) *--at = 0;
  return at;
}

} // namespace simt

#elif defined(__aarch64__)

/* Keeps what a function must leave as it was: x19-x30, d8-d15 and the stack pointer. */
__asm__(R"(
.text
.p2align 4
.hidden mb_switch_stack
.globl mb_switch_stack
mb_switch_stack:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x2, sp
  str x2, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
)");

namespace simt {

void *fresh_stack(char *top, void (*enter)()) {
  uint64_t *at = reinterpret_cast<uint64_t *>(reinterpret_cast<uintptr_t>(top) & ~(uintptr_t)15) - 20;
  memset(at, 0, 160);
  at[11] = reinterpret_cast<uint64_t>(enter); /* x30 */
  return at;
}

} // namespace simt

#endif
