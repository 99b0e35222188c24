/* `map`: f64 arithmetic when the output is f64, f32 otherwise. */
#include "base/command.h"

void MB_FN(mb_map_f32)(const mb_view *views, const double *attributes);
void MB_FN(mb_map_f64)(const mb_view *views, const double *attributes);

void MB_FN(mb_op_map)(const mb_view *views, const double *attributes) {
  if (views[0].dtype == MB_F64) MB_FN(mb_map_f64)(views, attributes);
  else MB_FN(mb_map_f32)(views, attributes);
}
