/**
 * Which steps are to be skipped: those whose gradient norm or loss is not finite, or far above its running mean. The means, of the steps that
 * were not skipped, live on the device, and so does the decision: nobody waits for it.
 */
import { add, assign, concat, full, map, scalar, slice, x } from "@modernbert-ts/tensor-core";
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
import type { NamedTensors } from "./optimizer.ts";

/** Steps that the means reach back over, and how many there must have been before a spike is one. */
const window = 128;
const leastSteps = 16;

export class SpikeGuard {
  /** Of norm and loss, f32 [2]. */
  readonly #means: Tensor;
  /** Steps that were not skipped, f32 [1]. */
  readonly #steps: Tensor;
  readonly #above: number;

  /** @param above how many times the mean is too much. */
  constructor(runtime: Runtime, above: number) {
    this.#above = above;
    this.#means = runtime.keep(full(runtime, [2], 0));
    this.#steps = runtime.keep(full(runtime, [1], 0));
  }

  /** [1], 1 for a step to take, 0 for one to skip. `norm` and `loss` are [1]. */
  accepts(norm: Tensor, loss: Tensor): Tensor {
    const [mean, steps] = [x(1), x(2)];
    const size = scalar.max(mean, scalar.neg(mean));
    const calm = scalar.lessEqual(x(0), scalar.add(mean, scalar.mul(this.#above - 1, size)));
    const early = scalar.lessEqual(steps, leastSteps - 1);
    const fine = scalar.select(scalar.isFinite(x(0)), scalar.select(early, 1, calm), 0);
    const values = concat([norm, loss], 0);
    const each = map(fine, [values, this.#means, this.#steps]);
    const accepted = map(scalar.mul(x(0), x(1)), [slice(each, 0, 0, 1), slice(each, 0, 1, 2)]);
    const weight = scalar.max(scalar.div(1, scalar.add(steps, 1)), 1 / window);
    const moved = scalar.add(mean, scalar.mul(weight, scalar.sub(x(0), mean)));
    assign(this.#means, map(scalar.select(x(3), moved, mean), [values, this.#means, this.#steps, accepted]));
    assign(this.#steps, add(this.#steps, accepted));
    return accepted;
  }

  state(): NamedTensors {
    return new Map([
      ["spike_guard.means", this.#means],
      ["spike_guard.steps", this.#steps],
    ]);
  }

  dispose(): void {
    this.#means.dispose();
    this.#steps.dispose();
  }
}

/** States that a run may begin without, or leave behind: a guard that was switched on or off. */
export function isGuardState(name: string): boolean {
  return name.startsWith("spike_guard.");
}
