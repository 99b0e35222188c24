/** Tensors full of plausible numbers, made on the device. They belong to the caller. */
import { cast, full, scale, sub, uniform } from "../../../../packages/tensor-core/dist/index.js";

/** Evenly between -1/2 and 1/2, so that no sum overflows and no clock profits from zeros. */
export function filled(runtime, shape, dtype = "f32", scaled = 1) {
  return runtime.keep(
    runtime.scope(() => {
      const draw = { seed: 1, stream: 0, step: 0 };
      return cast(scale(sub(uniform(runtime, shape, draw), full(runtime, [1], 0.5)), scaled), dtype);
    }),
  );
}
