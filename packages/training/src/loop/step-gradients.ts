/** The gradients of a step, to which one row after another adds; those of the last row are handed on as soon as they are final. */
import { add, zeros } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { TrainableModel } from "../objectives/objective.ts";

type Learned = Pick<TrainableModel<never>, "runtime" | "parameters" | "frozen">;

/** Where sums go, each once: the gradient of the parameter `at`. */
export type TakeSum = (at: number, sum: Tensor | undefined) => void;

export class StepGradients {
  readonly #learned: Learned;
  readonly #onSum: TakeSum;
  readonly #sums: (Tensor | undefined)[];
  #last = false;

  constructor(learned: Learned, onSum: TakeSum = () => undefined) {
    this.#learned = learned;
    this.#onSum = onSum;
    this.#sums = Array.from(learned.parameters, () => undefined);
  }

  /** In the order of the parameters; undefined where the loss depends on none, and for frozen ones. They live until `dispose`. */
  get sums(): readonly (Tensor | undefined)[] {
    return this.#sums;
  }

  /** Whether the last row has been added. */
  get complete(): boolean {
    return this.#last;
  }

  /** The row that comes next is the last of this step. */
  lastRow(): void {
    this.#last = true;
  }

  /** Takes over the gradient of the parameter `at`. */
  add(at: number, gradient: Tensor | undefined): void {
    const sum = sumOf(this.#sums[at], gradient);
    this.#sums[at] = sum && this.#learned.runtime.keep(sum);
    if (this.#last) this.#onSum(at, sum);
  }

  /** In place of rows. */
  addZeros(): void {
    const { runtime, parameters, frozen } = this.#learned;
    this.lastRow();
    for (const [at, [name, { shape, dtype }]] of [...parameters].entries())
      if (!frozen?.has(name)) this.add(at, zeros(runtime, shape, dtype));
  }

  dispose(): void {
    for (const sum of this.#sums) sum?.dispose();
  }
}

/** a + b, both let go at once: at most one sum of gradients and one gradient of a row are alive. */
export function sumOf(a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined {
  if (!a || !b) return a ?? b;
  const sum = add(a, b);
  a.dispose();
  b.dispose();
  return sum;
}
