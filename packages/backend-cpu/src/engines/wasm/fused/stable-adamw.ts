/** StableAdamW (assembly/stable-adamw.ts). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { FusedKernel } from "@modernbert-ts/tensor-core";
import type { Operand } from "../../typescript/operand.ts";
import { addressOf } from "../context.ts";
import type { WasmContext } from "../context.ts";

/** As in the kernel. */
const elementsPerTask = 32768;

export function stableAdamW({ resolve, threads, borrow }: WasmContext): FusedKernel<"stableAdamW"> {
  return {
    supports: ({ inputs }) => expectDtypes("stableAdamW", inputs),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward({ inputs }) {
      const [p, g, m, v, control, scale] = inputs.map((view) => resolve(view!)) as [Operand, ...Operand[]];
      const [learningRate, beta1, beta2, eps, decay] = control!.data.subarray(control!.offset);
      const gradScale = scale!.data[scale!.offset]!;
      const size = sizeOf(p.shape);
      if (gradScale === 0 || size === 0) return;
      const tasks = Math.ceil(size / elementsPerTask);
      const [pAt, gAt, mAt, vAt] = [p, g!, m!, v!].map(addressOf) as [number, number, number, number];
      const mean = borrow("f64", [tasks], (sums) => {
        threads.run("stableAdamWSquares", tasks, addressOf(sums), gAt, vAt, size, gradScale, beta2!, eps!);
        return Array.from(sums.data.subarray(0, tasks)).reduce((total, sum) => total + sum, 0) / size;
      });
      // NaN stays NaN.
      const step = learningRate! / Math.max(1, Math.sqrt(mean));
      const factors = [gradScale, beta1!, beta2!, eps!, step, step * decay!];
      threads.run("stableAdamWUpdate", tasks, pAt, gAt, mAt, vAt, size, ...factors);
    },
    backward: "none",
  };
}
