/** `linear`: the matmul shaders load each operand in its own dtype, so narrow weights are not widened; a bias is what the product is added to. */
import type { FusedKernel } from "@modernbert-ts/tensor-core";
import { reshaped, supportsDense, transposed } from "./support.ts";
import type { Tools } from "./support.ts";

const product = { alpha: 1, accumulate: false };

export function linear({ device, primitives, clear }: Tools): FusedKernel<"linear"> {
  return {
    supports: (query) => supportsDense(device, "linear", query, { windows: true }),
    saved: () => [],
    backwardReads: { inputs: [0, 1], outputs: [] },
    forward({ inputs: [x, weight, bias], outputs: [y] }) {
      if (bias) primitives.copy([y!], [{ ...bias, shape: y!.shape, strides: [0, bias.strides[0]!] }], {});
      primitives.matmul([y!], [x!, transposed(weight!)], { alpha: 1, accumulate: Boolean(bias) });
    },
    backward({ inputs: [x, weight], gradOutputs: [grad], gradInputs: [gradX, gradWeight, gradBias] }) {
      if (!grad) {
        for (const gradient of [gradX, gradWeight, gradBias]) if (gradient) clear(gradient);
        return;
      }
      if (gradX) primitives.matmul([gradX], [grad, weight!], product);
      if (gradWeight) primitives.matmul([gradWeight], [transposed(grad), x!], product);
      if (gradBias) {
        primitives.reduce([reshaped(gradBias, [1, gradBias.shape[0]!])], [grad], { kind: "sum", axes: [0] });
      }
    },
  };
}
