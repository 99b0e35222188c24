/** What goes from layer to layer where a residual addition runs together with the norm that the next block reads. */
import { checkpoint } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";

/** The residual stream and its norm. Both [T, d]. */
export interface ResidualStream {
  readonly residual: Tensor;
  readonly normed: Tensor;
}

/** `layer` of the stream; for the backward pass only what goes into it is kept. */
export function checkpointLayer(
  layer: (stream: ResidualStream) => ResidualStream,
  { residual, normed }: ResidualStream,
): ResidualStream {
  const [sum, next] = checkpoint([residual, normed], ([before, input]) => {
    const after = layer({ residual: before!, normed: input! });
    return [after.residual, after.normed];
  });
  return { residual: sum!, normed: next! };
}
