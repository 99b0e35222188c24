/** Native layer norms on every instruction set: against small numbers from torch 2.13 (computed in f64), and in 16 bits. */
import { cast, layerNorm, residualLayerNorm, Runtime } from "@modernbert-ts/tensor-core";
import type { DType, Tensor, View } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { backwardOf, expectClose, expectSameBits, numbers, supportedSets, withBackend } from "./fused.ts";
import { describeNative, tensor, valuesOf } from "./native.ts";

/** torch.nn.functional.layer_norm(x, (5,), weight, bias, 1e-5) and its gradients. */
const norm = {
  x: [3.8, 3.17, 3.09, 2.39, 3.05, 1.63, 3.34, 4.01, 1.56, 3.98],
  weight: [0.52, 1.24, -0.86, 0.3, 0.42],
  bias: [-0.08, 0.93, 0.82, 0.5, -0.16],
  gradY: [-0.68, -1.06, 0.75, 0.24, -0.39, 0.15, -1.18, 0.53, -1.45, -0.63],
  y: [0.733258, 1.123931, 0.8392144, 0.02410993, -0.2069187, -0.68473, 1.423511, -0.04824521, 0.1319479, 0.252525],
  gradX: [
    0.871643, -1.803383, -0.3748894, 0.6399581, 0.6666718, 0.3525566, -0.8093768, 0.2061671, -0.1257498, 0.3764029,
  ],
  gradWeight: [-1.237933, -0.6354112, 0.5183246, 1.398206, -0.5752201],
  gradBias: [-0.53, -2.24, 1.28, -1.21, -1.02],
};

describeNative("native layer norms", () => {
  test.each(supportedSets)("a result in f64 is that in f32, by other commands, %s", async (set) => {
    await withBackend(set, 1, async (backend) => {
      const runtime = new Runtime(backend);
      const [x, weight] = [runtime.tensor(norm.x, [2, 5]), runtime.tensor(norm.weight, [5])];
      for (const make of [
        (dtype: DType) => layerNorm(x, weight, null, 1e-5, dtype),
        (dtype: DType) => residualLayerNorm(x, x, weight, null, { eps: 1e-5, dtype }).normed,
      ]) {
        const [wide, wanted] = [await make("f64").read(), await make("f32").read()];
        expect(wide).toBeInstanceOf(Float64Array);
        expectClose("y", Array.from(wide as Float64Array), Array.from(wanted as Float32Array), 1e-6);
      }
    });
  });

  test.each(supportedSets)("layerNorm and residualLayerNorm equal torch, %s", async (set) => {
    await withBackend(set, 2, async (backend) => {
      const row = (values: number[]): View => tensor(backend, [values.length], values);
      const [x, gradY] = [tensor(backend, [2, 5], norm.x), tensor(backend, [2, 5], norm.gradY)];
      const [y, sum, gradX, gradDelta] = Array.from({ length: 4 }, () => tensor(backend, [2, 5])) as [
        View,
        View,
        View,
        View,
      ];
      const [weight, bias, gradWeight, gradBias] = [row(norm.weight), row(norm.bias), row(norm.bias), row(norm.bias)];
      const saved = [tensor(backend, [2, 2])];
      const attrs = { eps: 1e-5, dtype: "f32", dropout: null } as const;
      const check = async (extra: number): Promise<void> => {
        expectClose("y", await valuesOf(backend, y), norm.y, 1e-6);
        const want = norm.gradX.map((value, at) => value + extra * norm.gradY[at]!);
        expectClose("gradient of x", await valuesOf(backend, gradX), want, 1e-6);
        expectClose("gradient of weight", await valuesOf(backend, gradWeight), norm.gradWeight, 1e-6);
        expectClose("gradient of bias", await valuesOf(backend, gradBias), norm.gradBias, 1e-6);
      };
      backend.fused.layerNorm!.forward({ attrs, inputs: [x, weight, bias], outputs: [y], saved });
      backwardOf(
        backend,
        "layerNorm",
      )({
        attrs,
        inputs: [x, weight, null],
        outputs: [null],
        saved,
        gradOutputs: [gradY],
        gradInputs: [gradX, gradWeight, gradBias],
      });
      await check(0);

      const delta = numbers(5, 10);
      const rest = tensor(
        backend,
        [2, 5],
        norm.x.map((value, at) => value - delta[at]!),
      );
      const inputs = [rest, tensor(backend, [2, 5], delta), weight, bias];
      backend.fused.residualLayerNorm!.forward({ attrs, inputs, outputs: [sum, y], saved });
      backwardOf(
        backend,
        "residualLayerNorm",
      )({
        attrs,
        inputs: [null, null, weight, null],
        outputs: [sum, null],
        saved,
        gradOutputs: [gradY, gradY],
        gradInputs: [gradX, gradDelta, gradWeight, gradBias],
      });
      expectClose("sum", await valuesOf(backend, sum), norm.x, 1e-6);
      await check(1);
      expect(await valuesOf(backend, gradDelta)).toEqual(await valuesOf(backend, gradX));
    });
  });

  test.each(supportedSets)("layerNorm of large means loses nothing, %s", async (set) => {
    await withBackend(set, 2, async (backend) => {
      const values = numbers(9, 300).map((value) => 4096 + Math.round(value * 256) / 256);
      const mean = values.reduce((sum, value) => sum + value, 0) / 300;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 300;
      const y = tensor(backend, [1, 300]);
      const inputs = [tensor(backend, [1, 300], values), tensor(backend, [300], new Float32Array(300).fill(1)), null];
      backend.fused.layerNorm!.forward({ attrs: { eps: 1e-5, dtype: "f32" }, inputs, outputs: [y], saved: [] });
      const want = Array.from(values, (value) => (value - mean) / Math.sqrt(variance + 1e-5));
      expectClose("y", await valuesOf(backend, y), want, 5e-4); // the mean itself is rounded to 2^-12
    });
  });

  test.each(supportedSets)("norms in 16 bits are those in f32, rounded once, and never refused, %s", async (set) => {
    await withBackend(set, 2, async (backend) => {
      const runtime = new Runtime(backend, { fusion: "fused" });
      const [x, delta] = [runtime.tensor(numbers(1, 19 * 45), [19, 45]), runtime.tensor(numbers(2, 19 * 45), [19, 45])];
      const weight = runtime.tensor(numbers(3, 45), [45]);
      for (const dtype of ["f16", "bf16"] as const) {
        const norms = [
          (to: DType): Tensor => layerNorm(x, weight, weight, 1e-5, to),
          (to: DType): Tensor => residualLayerNorm(x, delta, weight, null, { eps: 1e-5, dtype: to }).normed,
        ];
        for (const normOf of norms) {
          const [narrow, wide] = [normOf(dtype), cast(normOf("f32"), dtype)];
          expect(narrow.dtype).toBe(dtype);
          expectSameBits(await cast(narrow, "f32").read(), await cast(wide, "f32").read());
        }
      }
      expect(() => layerNorm(x, weight, null, 1e-5, "i32")).toThrow(
        "[layerNorm] expected a float dtype for y, got i32",
      );
    });
  });
});
