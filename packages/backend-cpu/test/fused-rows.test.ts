/** Native layerNorm, glu, rope and stableAdamW on every instruction set, against small numbers from torch 2.13 (computed in f64). */
import { cast, DeviceValueError, layerNorm, residualLayerNorm, Runtime } from "@modernbert-ts/tensor-core";
import type { Activation, Backend, CompositeName, DType, Tensor, View } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { expectClose, expectSameBits, numbers, supportedSets, withBackend } from "./fused.ts";
import { describeNative, ids, tensor, valuesOf } from "./native.ts";

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

/** activation(a) · gate and the gradients of a and gate. */
const gated = {
  a: [-12, -3.1, -0.7, -0.01, 0, 0.02, 0.9, 2.5, 30],
  gate: [0.15, -0.25, 0.45, 0.01, 1.34, 1.46, 0.44, 1.02, -2.19],
  gradY: [0.21, -0.94, -0.32, -1.05, 0.82, -0.53, 0.81, -0.8, -1.05],
};
const activations: Record<Activation, { y: number[]; gradA: number[]; gradGate: number[] }> = {
  gelu: {
    y: [0, 0.0007498927, -0.07621855, -4.960106e-5, 0, 0.01483297, 0.3231122, 2.534165, -65.7],
    gradA: [0, -0.002152491, -0.00336757, -0.005166225, 0.5494, -0.3992464, 0.3761505, -0.8466906, 2.2995],
    gradGate: [0, 0.002819597, 0.05419986, 0.005208111, 0, -0.00538457, 0.5948201, -1.987581, -31.5],
  },
  gelu_tanh: {
    y: [0, 0.0006566528, -0.07624344, -4.960106e-5, 0, 0.01483297, 0.3230605, 2.534614, -65.7],
    gradA: [0, -0.002053759, -0.003404561, -0.005166225, 0.5494, -0.3992464, 0.3760259, -0.8469685, 2.2995],
    gradGate: [0, 0.002469014, 0.05421756, 0.005208111, 0, -0.00538457, 0.5947251, -1.987933, -31.5],
  },
  silu: {
    y: [-1.105951e-5, 0.03340812, -0.1045208, -4.975e-5, 0, 0.014746, 0.281536, 2.356562, -65.7],
    gradA: [-2.128942e-6, -0.01991971, -0.0254323, -0.005197501, 0.5494, -0.3946375, 0.3192987, -0.8971113, 2.2995],
    gradGate: [-1.548332e-5, 0.1256145, 0.07432594, 0.00522375, 0, -0.005352998, 0.5182822, -1.848284, -31.5],
  },
  relu: {
    y: [0, 0, 0, 0, 0, 0.0292, 0.396, 2.55, -65.7],
    gradA: [0, 0, 0, 0, 0, -0.7738, 0.3564, -0.816, 2.2995],
    gradGate: [0, 0, 0, 0, 0, -0.0106, 0.729, -2, -31.5],
  },
};

/** Three steps of optimi's StableAdamW: the debiased betas per step, the gradients, and where it ends. The second step is clipped. */
const adamw = {
  p: [-0.11, 0.35, -0.44, -0.95, -0.06, -1.44],
  steps: [
    { beta1: 0, beta2: 0, g: [3.79, 0.27, 0.4, -0.61, 0.38, 0.49] },
    { beta1: 0.47368421052631576, beta2: 0.4949494949494955, g: [-19.7, -20.3, 5.7, -1.2, -9.2, -7.4] },
    { beta1: 0.6309963099630996, beta2: 0.6599102162971026, g: [0.17, 0.01, 0.13, -0.47, -1.33, -1.71] },
  ],
  lastP: [-0.1107031, 0.3500495, -0.4607249, -0.9212686, -0.05826351, -1.434329],
  lastM: [-5.346901, -6.657306, 2.060517, -0.7542804, -3.432546, -2.942103],
  lastV: [134.0472, 137.3685, 10.88653, 0.6765966, 28.85824, 19.32373],
};

function backwardOf<K extends CompositeName>(backend: Backend, name: K) {
  const { backward } = backend.fused[name]!;
  if (typeof backward !== "function") throw new Error(`expected a fused backward of ${name}`);
  return backward;
}

describeNative("native layerNorm, glu, rope, stableAdamW", () => {
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
      const attrs = { eps: 1e-5, dtype: "f32" } as const;
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
          (to: DType): Tensor => residualLayerNorm(x, delta, weight, null, 1e-5, to).normed,
        ];
        for (const norm of norms) {
          const [narrow, wide] = [norm(dtype), cast(norm("f32"), dtype)];
          expect(narrow.dtype).toBe(dtype);
          expectSameBits(await cast(narrow, "f32").read(), await cast(wide, "f32").read());
        }
      }
      expect(() => layerNorm(x, weight, null, 1e-5, "i32")).toThrow(
        "[layerNorm] expected a float dtype for y, got i32",
      );
    });
  });

  test.each(supportedSets)("glu equals torch, %s", async (set) => {
    await withBackend(set, 2, async (backend) => {
      const rows = 5; // The same row again and again: tasks and tails of vectors.
      const repeat = (values: number[]): number[] => Array.from({ length: rows }, () => values).flat();
      const x = tensor(backend, [rows, 18], repeat([...gated.a, ...gated.gate]));
      const gradY = tensor(backend, [rows, 9], repeat(gated.gradY));
      for (const [activation, want] of Object.entries(activations) as [Activation, (typeof activations)["gelu"]][]) {
        const [y, gradX] = [tensor(backend, [rows, 9]), tensor(backend, [rows, 18])];
        const call = { attrs: { activation }, inputs: [x], saved: [] };
        backend.fused.glu!.forward({ ...call, outputs: [y] });
        backwardOf(backend, "glu")({ ...call, outputs: [null], gradOutputs: [gradY], gradInputs: [gradX] });
        expectClose(activation, (await valuesOf(backend, y)).map(Math.fround), repeat(want.y), 1e-7);
        expectClose(
          `${activation} gradient`,
          await valuesOf(backend, gradX),
          repeat([...want.gradA, ...want.gradGate]),
          1e-7,
        );
      }
    });
  });

  test.each(supportedSets)("rope turns q and k by halves, copies v, and backward turns back, %s", async (set) => {
    await withBackend(set, 2, async (backend) => {
      const [tokens, heads, half] = [19, 2, 9];
      const values = numbers(3, tokens * 3 * heads * 2 * half);
      const angles = Array.from({ length: 40 * half }, (_, at) => Math.floor(at / half) / 10 ** ((at % half) / half));
      const positions = Array.from({ length: tokens }, (_, token) => (token * 7) % 40);
      const shape = [tokens, 3, heads, 2 * half];
      const [x, out, back] = [tensor(backend, shape, values), tensor(backend, shape), tensor(backend, shape)];
      const inputs = [
        x,
        tensor(backend, [40, half], angles.map(Math.cos)),
        tensor(backend, [40, half], angles.map(Math.sin)),
        ids(backend, [tokens], positions),
      ];
      const want = Array.from(values, (value, at) => {
        const d = at % (2 * half);
        const part = Math.floor(at / (heads * 2 * half)) % 3;
        const angle = angles[positions[Math.floor(at / (3 * heads * 2 * half))]! * half + (d % half)]!;
        if (part === 2) return value;
        return d < half
          ? value * Math.cos(angle) - values[at + half]! * Math.sin(angle)
          : value * Math.cos(angle) + values[at - half]! * Math.sin(angle);
      });
      backend.fused.rope!.forward({ attrs: {}, inputs, outputs: [out], saved: [] });
      backwardOf(
        backend,
        "rope",
      )({
        attrs: {},
        inputs: [null, ...inputs.slice(1)],
        outputs: [null],
        saved: [],
        gradOutputs: [out],
        gradInputs: [back, null, null, null],
      });
      expectClose("out", await valuesOf(backend, out), want, 1e-6);
      expectClose("back", await valuesOf(backend, back), values, 1e-6);
      backend.fused.rope!.forward({
        attrs: {},
        inputs: [...inputs.slice(0, 3), ids(backend, [tokens], positions.with(4, 40))],
        outputs: [out],
        saved: [],
      });
      await expect(backend.synchronize()).rejects.toThrow(DeviceValueError);
    });
  });

  test.each(supportedSets)(
    "three steps of stableAdamW equal torch, and gradScale 0 changes nothing, %s",
    async (set) => {
      await withBackend(set, 2, async (backend) => {
        const size = adamw.p.length;
        const p = tensor(backend, [size], adamw.p);
        const [m, v] = [
          tensor(backend, [size], new Float32Array(size)),
          tensor(backend, [size], new Float32Array(size)),
        ];
        const step = (g: number[], control: number[], gradScale: number): void => {
          const inputs = [
            p,
            tensor(backend, [size], g),
            m,
            v,
            tensor(backend, [5], control),
            tensor(backend, [1], [gradScale]),
          ];
          backend.fused.stableAdamW!.forward({ attrs: {}, inputs, outputs: [p, m, v], saved: [] });
        };
        for (const { beta1, beta2, g } of adamw.steps) {
          const control = [1e-2, beta1, beta2, 1e-6, 0.1];
          step(
            g.map((value) => value * 4),
            control,
            0.25,
          );
          step(
            g.map(() => Number.NaN),
            control,
            0,
          );
        }
        expectClose("p", await valuesOf(backend, p), adamw.lastP, 1e-6);
        expectClose("m", await valuesOf(backend, m), adamw.lastM, 1e-6);
        expectClose("v", await valuesOf(backend, v), adamw.lastV, 1e-6);
      });
    },
  );

  test("stableAdamW gives the same bits for any number of threads", async () => {
    const size = 200_003;
    const results = await Promise.all(
      [1, 2, 5].map((threads) =>
        withBackend(undefined, threads, async (backend) => {
          const [p, g, m] = [1, 2, 3].map((seed) => tensor(backend, [size], numbers(seed, size))) as [View, View, View];
          const v = tensor(backend, [size], numbers(4, size).map(Math.abs));
          const inputs = [p, g, m, v, tensor(backend, [5], [0.1, 0.9, 0.9, 1e-6, 0.1]), tensor(backend, [1], [1])];
          backend.fused.stableAdamW!.forward({ attrs: {}, inputs, outputs: [p, m, v], saved: [] });
          return valuesOf(backend, p);
        }),
      ),
    );
    for (const other of results.slice(1)) expectSameBits(other, results[0]!);
  });
});
