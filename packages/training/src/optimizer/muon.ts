/**
 * Muon (Jordan et al. 2024): momentum of a matrix made nearly orthogonal by Newton-Schulz iteration. Matrices of layers follow it, all other
 * parameters follow AdamW; the update is scaled to the size of AdamW's (arXiv 2502.16982), so that one learning rate serves both. A fused Wqkv or
 * Wi is one matrix.
 */
import { add, assign, globalNorm, map, matmul, scalar, transpose, x, zeros } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { AdamOptions } from "./adam-options.ts";
import { AdamWRule } from "./adamw.ts";
import { withoutFrozen } from "./freeze.ts";
import { GroupRates } from "./group-rates.ts";
import { groupParameters } from "./groups.ts";
import type { Learned, NamedTensors } from "./optimizer.ts";
import { RuleOptimizer } from "./rule-optimizer.ts";
import type { UpdateRule } from "./rule-optimizer.ts";

export interface MuonOptions extends AdamOptions {
  /** Of the matrices (default 0.95); `betas` are those of the rest. */
  readonly momentum?: number;
}

/** a X + (b A + c A²) X with A = X Xᵀ, five times: singular values of about 0.7 to 1.2 from any that are not tiny. */
const [a, b, c] = [3.4445, -4.775, 2.0315] as const;
const iterations = 5;
/** Root mean square of AdamW's updates, about. */
const updateSize = 0.2;

export function isMuonMatrix(name: string, shape: readonly number[]): boolean {
  return shape.length === 2 && /(^|\.)layers\.\d+\./.test(name);
}

export class Muon extends RuleOptimizer {
  constructor(learned: Learned, options: MuonOptions = {}) {
    const own = withoutFrozen(learned);
    const part = (matrices: boolean): Learned => ({
      ...own,
      parameters: new Map([...own.parameters].filter(([name, { shape }]) => isMuonMatrix(name, shape) === matrices)),
    });
    const [matrices, rest] = [part(true), part(false)];
    super("muon", learned, options, [
      ...(matrices.parameters.size > 0 ? [new MuonRule(matrices, options)] : []),
      ...(rest.parameters.size > 0 ? [new AdamWRule(rest, options)] : []),
    ]);
  }
}

class MuonRule implements UpdateRule {
  readonly #learned: Learned;
  readonly #momentum: number;
  readonly #buffers: NamedTensors;
  readonly #rates: GroupRates;

  constructor(learned: Learned, { momentum = 0.95, weightDecay = 1e-5, rateMultiples }: MuonOptions) {
    const { runtime, parameters } = learned;
    this.#learned = learned;
    this.#momentum = momentum;
    this.#buffers = new Map(
      [...parameters].map(([name, { shape, dtype }]) => [name, runtime.keep(zeros(runtime, shape, dtype))]),
    );
    this.#rates = new GroupRates(runtime, groupParameters(parameters, rateMultiples), weightDecay);
  }

  setLearningRate(learningRate: number): void {
    this.#rates.set(learningRate);
  }

  update(gradients: NamedTensors, gradScale: Tensor): void {
    const { runtime, parameters, copies } = this.#learned;
    const rates = this.#rates.applied(gradScale);
    for (const [name, parameter] of parameters) {
      const gradient = gradients.get(name);
      if (!gradient) continue;
      runtime.scope(() => {
        const direction = orthogonalise(this.#advance(this.#buffers.get(name)!, gradient, gradScale));
        const size = updateSize * Math.sqrt(Math.max(...parameter.shape));
        const moved = scalar.sub(scalar.sub(x(0), scalar.mul(x(0), x(3))), scalar.mul(scalar.mul(size, x(2)), x(1)));
        const { rate, decay } = rates(name);
        assign(parameter, map(scalar.select(x(4), moved, x(0)), [parameter, direction, rate, decay, gradScale]));
        const copy = copies?.get(name);
        if (copy) assign(copy, parameter);
      });
    }
  }

  state(): NamedTensors {
    return new Map([...this.#buffers].map(([name, buffer]) => [`momentum.${name}`, buffer]));
  }

  dispose(): void {
    for (const buffer of this.#buffers.values()) buffer.dispose();
    this.#rates.dispose();
  }

  /** Nesterov's: the buffer moves towards the gradient, and the update lies between the gradient and the buffer. */
  #advance(buffer: Tensor, gradient: Tensor, gradScale: Tensor): Tensor {
    const [momentum, scaled] = [this.#momentum, scalar.mul(x(1), x(2))];
    const between = scalar.add(scalar.mul(momentum, x(0)), scalar.mul(1 - momentum, scaled));
    assign(buffer, map(scalar.select(x(2), between, x(0)), [buffer, gradient, gradScale]));
    return map(between, [buffer, gradient, gradScale]);
  }
}

/** Nearly U Vᵀ where the matrix is U S Vᵀ. The products are of the smaller side. */
function orthogonalise(matrix: Tensor): Tensor {
  const [rows, columns] = matrix.shape as readonly [number, number];
  const tall = rows > columns;
  const wide = tall ? transpose(matrix) : matrix;
  let value = map(scalar.div(x(0), scalar.max(x(1), 1e-7)), [wide, globalNorm([matrix])]);
  for (let iteration = 0; iteration < iterations; iteration++) {
    const square = matmul(value, transpose(value));
    const polynomial = map(scalar.add(scalar.mul(b, x(0)), scalar.mul(c, x(1))), [square, matmul(square, square)]);
    value = add(map(scalar.mul(a, x(0)), [value]), matmul(polynomial, value));
  }
  return tall ? transpose(value) : value;
}
