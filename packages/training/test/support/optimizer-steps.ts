/** Steps of every optimizer on one backend, with a guard, clipping and a moving average: what another backend must give too. No Node API: pages run it too. */
import { Runtime } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import { AveragedOptimizer } from "../../src/optimizer/averaged-optimizer.ts";
import { createOptimizer } from "../../src/optimizer/create.ts";
import type { OptimizerKind } from "../../src/optimizer/optimizer.ts";

const shapes = { "layers.0.w.weight": [6, 10], "embeddings.weight": [5, 3], "norm.weight": [4] } as const;

/** Numbers that look like no pattern, the same every time. */
function numbers(seed: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, at) => Math.sin(seed * 12.9898 + at * 78.233));
}

/** Parameters and states by name after four steps, the third of which is to be skipped. Every buffer is freed. */
export async function optimizerSteps(backend: Backend, kind: OptimizerKind): Promise<Map<string, number[]>> {
  const runtime = new Runtime(backend);
  const sizes = Object.entries(shapes).map(([name, shape]) => ({
    name,
    shape,
    size: shape.reduce((a, b) => a * b, 1),
  }));
  const parameters = new Map(
    sizes.map(({ name, shape, size }, at) => [name, runtime.tensor(numbers(at, size), shape)]),
  );
  const learned = { runtime, parameters };
  const options = { maxLearningRate: 0.1, weightDecay: 0.1, clipNorm: 1, skipAbove: 3 };
  const optimizer = new AveragedOptimizer(createOptimizer(kind, learned, options), learned, 0.9);
  for (let step = 1; step <= 4; step++) {
    runtime.scope(() => {
      optimizer.setLearningRate(0.1 / step);
      const factor = step === 3 ? Number.NaN : 1;
      const gradients = sizes.map(({ shape, size }, at) =>
        runtime.tensor(
          numbers(10 * step + at, size).map((value) => value * factor),
          shape,
        ),
      );
      optimizer.update(gradients, () => runtime.tensor([1 / step], [1]));
    });
  }
  const values = new Map<string, number[]>();
  for (const [name, tensor] of [...parameters, ...optimizer.state()]) values.set(name, Array.from(await tensor.read()));
  optimizer.dispose();
  for (const tensor of parameters.values()) tensor.dispose();
  return values;
}
