/** Native glu, rope and stableAdamW on every instruction set, against small numbers from torch 2.13 (computed in f64). */
import { DeviceValueError } from "@modernbert-ts/tensor-core";
import type { Activation, View } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { backwardOf, expectClose, expectSameBits, numbers, supportedSets, withBackend } from "./fused.ts";
import { describeNative, ids, tensor, valuesOf } from "./native.ts";

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

describeNative("native glu, rope, stableAdamW", () => {
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
