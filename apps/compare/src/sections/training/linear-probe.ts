/** A linear classifier on vectors that stay as they are: what can be read off them without changing the model that made them. */
import { Runtime, scale, stableAdamW, stableAdamWControl, valueAndGradients } from "@modernbert-ts/tensor-core";
import { linearCrossEntropy, zeros } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";

/** Vectors [n · width] and a class for each. */
export interface Examples {
  readonly vectors: Float32Array;
  readonly labels: Int32Array;
}

const [steps, rate] = [300, 0.05];

/** Softmax regression on standardised vectors, by full batches. @returns the share of `heldOut` that is told right */
export async function probe(
  runtime: Runtime,
  { width, classes }: { readonly width: number; readonly classes: number },
  train: Examples,
  heldOut: Examples,
): Promise<number> {
  const { standardise, uploaded } = standardised(runtime, width, train);
  const labels = runtime.tensor(train.labels, [train.labels.length], "i32");
  const parameters = [zeros(runtime, [classes, width]), zeros(runtime, [classes])];
  const moments = parameters.map(({ shape }) => [zeros(runtime, shape), zeros(runtime, shape)] as const);
  const one = runtime.tensor([1], [1]);
  const control = runtime.empty([5]);
  const owned: Tensor[] = [uploaded, labels, ...parameters, ...moments.flat(), one, control];
  try {
    for (let step = 1; step <= steps; step++) {
      const learningRate = rate * Math.min(1, (2 * (steps - step + 1)) / steps);
      const betas = { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, maxLearningRate: null };
      runtime.write(control, stableAdamWControl({ ...betas, learningRate, step }));
      runtime.scope(() => {
        const [weight, bias] = parameters as [Tensor, Tensor];
        const loss = (): Tensor =>
          scale(linearCrossEntropy(uploaded, weight, bias, labels).lossSum, 1 / train.labels.length);
        const { gradients } = valueAndGradients(runtime, parameters, loss);
        for (const [at, parameter] of parameters.entries())
          stableAdamW(parameter, gradients[at]!, ...moments[at]!, control, one);
        return [];
      });
      if (step % 50 === 0) await runtime.backend.synchronize();
    }
    const correct = runtime.scope(() => {
      const [weight, bias] = parameters as [Tensor, Tensor];
      const rows = standardise(heldOut.vectors);
      const wanted = runtime.tensor(heldOut.labels, [heldOut.labels.length], "i32");
      return linearCrossEntropy(rows, weight, bias, wanted).correct;
    });
    const [right] = (await correct.read()) as Float32Array;
    correct.dispose();
    return right! / heldOut.labels.length;
  } finally {
    for (const tensor of owned) tensor.dispose();
  }
}

/** Each number less its mean, over its deviation, both of the training vectors. */
function standardised(
  runtime: Runtime,
  width: number,
  { vectors, labels: { length: count } }: Examples,
): { readonly standardise: (vectors: Float32Array) => Tensor; readonly uploaded: Tensor } {
  const [mean, square] = [new Float64Array(width), new Float64Array(width)];
  for (const [at, value] of vectors.entries()) {
    mean[at % width]! += value / count;
    square[at % width]! += (value * value) / count;
  }
  const deviation = square.map((value, at) => Math.sqrt(Math.max(value - mean[at]! ** 2, 0)) + 1e-6);
  const standardise = (given: Float32Array): Tensor => {
    const values = given.map((value, at) => (value - mean[at % width]!) / deviation[at % width]!);
    return runtime.tensor(values, [values.length / width, width]);
  };
  return { standardise, uploaded: standardise(vectors) };
}
