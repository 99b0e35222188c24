/** linearCrossEntropy over bf16 per instruction set: loss and gradients beside those of f32, over several chunks of rows and blocks of columns. */
import { cast, linearCrossEntropy, Runtime, valueAndGradients } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { expectClose, supportedSets, withBackend } from "./fused.ts";
import { halves, readAsF32 } from "./bf16.ts";
import { describeNative } from "./native.ts";

describeNative("linearCrossEntropy in bf16", () => {
  describe.each(supportedSets)("%s", (set) => {
    // 50,368 columns leave room for 333 rows at a time; 700 columns and an odd width go another way.
    test.each([
      [400, 6, 50_368],
      [37, 24, 701],
      [20, 7, 300],
    ])("cross-entropy of [%i, %i] over %i: loss and gradients as in f32", async (rows, width, classes) => {
      await withBackend(set, 2, async (backend) => {
        const runtime = new Runtime(backend);
        const labels = Int32Array.from({ length: rows }, (_, row) => (row % 7 === 3 ? -100 : (row * 37) % classes));
        const solve = async (dtype: "f32" | "bf16") => {
          const hidden = runtime.tensor(halves(1, rows * width), [rows, width]);
          const weight = runtime.tensor(halves(2, classes * width), [classes, width]);
          const bias = runtime.tensor(halves(3, classes), [classes]);
          const { value, gradients } = valueAndGradients(
            runtime,
            [hidden, weight, bias],
            () => {
              const [x, w] = dtype === "f32" ? [hidden, weight] : [cast(hidden, dtype), cast(weight, dtype)];
              const b = classes === 300 ? cast(bias, dtype) : bias;
              return linearCrossEntropy(x, w, b, runtime.tensor(labels, [rows], "i32"));
            },
            ({ lossSum }) => lossSum,
          );
          const values = await Promise.all(gradients.map((gradient) => readAsF32(gradient!)));
          return { loss: await value.lossSum.item(), correct: await value.correct.item(), gradients: values };
        };
        const [want, got] = [await solve("f32"), await solve("bf16")];
        expectClose("loss", [got.loss / want.loss], [1], 1e-4);
        expect(Math.abs(got.correct - want.correct)).toBeLessThanOrEqual(1);
        for (const [at, name] of ["hidden", "weight", "bias"].entries())
          expectClose(`gradient of ${name}`, got.gradients[at]!, want.gradients[at]!, 2 ** -7);
      });
    });
  });
});
