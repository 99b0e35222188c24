/* Sums of products of bytes in AMX tiles: signed times signed, 16 · 16 · 64 of them an instruction. */
#include "narrow/amx.h"

#if defined(__AMX_INT8__)

MB_AMX_KERNEL(multiply, _tile_dpbssd, 1)

static const mb_panel_kernel kernel = {.channels = 32, .panels = 2, .depth = 4, .planes = 1, .whole = 1, .round = MB_FN(mb_int8_round),
                                       .begin = mb_amx_begin, .end = mb_amx_end, .multiply = multiply};

const mb_panel_kernel *MB_FN(mb_int8_kernel)(void) { return &kernel; }

#else
typedef int nothing_here; /* narrow/int8_panels.c does without */
#endif
