/**
 * ZeRO-1 (arXiv 1910.02054): ranks that train together share the state of an optimizer. Each holds that of its parameters, updates them, and the
 * others get them from it. A parameter belongs to one rank as a whole, since rules look at the whole of it; norms and skipped steps are those of
 * all gradients, which every rank has. So the bits are those of an optimizer that is not shared.
 */
import { assign } from "@modernbert-ts/tensor-core";
import type { Collective } from "@modernbert-ts/tensor-core";
import { DataError } from "../errors.ts";
import { withoutFrozen } from "./freeze.ts";
import type { LossScale } from "./loss-scale.ts";
import type { Learned, NamedTensors, Optimizer, OptimizerKind, ScaledGradients } from "./optimizer.ts";

export class ShardedOptimizer implements Optimizer {
  readonly #inner: Optimizer;
  readonly #learned: Learned;
  readonly #collective: Collective;
  readonly #owners: ReadonlyMap<string, number>;

  /**
   * @param make an optimizer of what is not frozen.
   * @throws DataError `invalid` where there are more ranks than parameters.
   */
  constructor(make: (learned: Learned) => Optimizer, learned: Learned, collective: Collective) {
    this.#learned = withoutFrozen(learned);
    this.#collective = collective;
    this.#owners = ownersOf(this.#learned.parameters, collective.world);
    const others = [...this.#owners].flatMap(([name, owner]) => (owner === collective.rank ? [] : name));
    this.#inner = make({ ...learned, frozen: new Set([...(learned.frozen ?? []), ...others]) });
  }

  get kind(): OptimizerKind {
    return this.#inner.kind;
  }

  get lossScale(): LossScale {
    return this.#inner.lossScale;
  }

  setLearningRate(learningRate: number): void {
    this.#inner.setLearningRate(learningRate);
  }

  update(gradients: Parameters<Optimizer["update"]>[0], loss?: Parameters<Optimizer["update"]>[1]): ScaledGradients {
    const scaled = this.#inner.update(gradients, loss);
    const { parameters, copies } = this.#learned;
    const { rank } = this.#collective;
    this.#collective.group(() => {
      // By owner: neighbours of one root can travel together.
      for (const [name, owner] of [...this.#owners].sort((a, b) => a[1] - b[1]))
        this.#collective.broadcast(parameters.get(name)!.view, owner);
    });
    for (const [name, copy] of copies ?? [])
      if (this.#owners.has(name) && this.#owners.get(name) !== rank) assign(copy, parameters.get(name)!);
    return scaled;
  }

  state(): NamedTensors {
    return this.#inner.state();
  }

  /** States are named after their parameters: `exp_avg.layers.0.attn.Wo.weight`. */
  ownerOf(state: string): number | undefined {
    return this.#owners.get(state.slice(state.indexOf(".") + 1));
  }

  dispose(): void {
    this.#inner.dispose();
  }
}

/** The largest first, each to the rank that has least; the same on every rank. */
function ownersOf(parameters: NamedTensors, world: number): Map<string, number> {
  if (parameters.size < world)
    throw new DataError(
      "invalid",
      "ShardedOptimizer",
      `expected at most as many processes as parameters (${parameters.size}), got ${world}: set optimizer.zero_stage to 0`,
    );
  const held = Array.from({ length: world }, () => 0);
  const owners = new Map<string, number>();
  for (const [name, { size }] of [...parameters].sort(([, a], [, b]) => b.size - a.size)) {
    const least = held.indexOf(Math.min(...held));
    owners.set(name, least);
    held[least]! += size;
  }
  return owners;
}
