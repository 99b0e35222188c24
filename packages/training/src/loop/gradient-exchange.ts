/**
 * The sums of a step's gradients over ranks: all at its end, or in buckets beside the backward pass. Buckets go round the parameters from the last to
 * the first, about as the backward pass does, and begin in that order on every rank, whatever becomes final first.
 */
import { assign, bytesOf, cast } from "@modernbert-ts/tensor-core";
import type { Collective, Tensor } from "@modernbert-ts/tensor-core";
import type { TrainableModel } from "../objectives/objective.ts";
import type { ReduceDtype } from "./device-step.ts";

export interface ExchangeOptions {
  /** In which dtype sums are made. */
  readonly dtype: ReduceDtype;
  /** A bucket is full with so many bytes of gradients; undefined: they are exchanged at the end. */
  readonly bucketBytes: number | undefined;
}

export class GradientExchange {
  readonly #collective: Collective;
  readonly #names: readonly string[];
  readonly #options: ExchangeOptions;
  /** Parameters, by their place, that begin together. */
  readonly #buckets: number[][];
  readonly #sums = new Map<number, Tensor>();
  /** What travels, for a gradient that does not itself. */
  readonly #sent = new Map<Tensor, Tensor>();

  constructor(collective: Collective, model: TrainableModel<never>, options: ExchangeOptions) {
    this.#collective = collective;
    this.#names = [...model.parameters.keys()];
    this.#options = options;
    this.#buckets = bucketsOf(model, options.bucketBytes ?? Number.POSITIVE_INFINITY);
  }

  /** The gradient of the parameter `at` is final. @throws Error where there is none: sums could not tell that from zero. */
  readonly take = (at: number, gradient: Tensor | undefined): void => {
    if (!gradient)
      throw new Error(
        `[trainingStep] expected a gradient for every parameter, got none for ${this.#names[at]}: ranks sum them all`,
      );
    this.#sums.set(at, gradient);
    if (this.#options.bucketBytes === undefined) return;
    while (this.#buckets[0]?.every((each) => this.#sums.has(each))) {
      const bucket = this.#travellers(this.#buckets.shift()!);
      this.#collective.beside(() => bucket.forEach((tensor) => this.#collective.allReduce(tensor.view)));
    }
  };

  /** Commands after it find sums over all ranks in all gradients, and in `more`. */
  end(more: Tensor): void {
    const left = this.#travellers(this.#buckets.flat());
    this.#collective.settle();
    this.#collective.group(() => {
      for (const tensor of [more, ...left]) this.#collective.allReduce(tensor.view);
    });
    for (const [gradient, sent] of this.#sent) {
      assign(gradient, sent);
      sent.dispose();
    }
  }

  /** In the dtype of sums, each in a storage of its own. */
  #travellers(bucket: readonly number[]): Tensor[] {
    const { dtype } = this.#options;
    return bucket.map((at) => {
      const gradient = this.#sums.get(at)!;
      if (gradient.dtype === dtype && !gradient.shared) return gradient;
      const { runtime } = gradient;
      const sent = gradient.dtype === dtype ? runtime.empty(gradient.shape, dtype) : cast(gradient, dtype);
      if (gradient.dtype === dtype) assign(sent, gradient);
      this.#sent.set(gradient, runtime.keep(sent));
      return sent;
    });
  }
}

function bucketsOf({ parameters, frozen }: TrainableModel<never>, bytes: number): number[][] {
  const buckets: number[][] = [];
  let room = 0;
  const learned = Array.from(parameters, ([name, tensor], at) => ({ name, tensor, at }));
  for (const { tensor, at } of learned.filter(({ name }) => !frozen?.has(name)).reverse()) {
    if (room <= 0) {
      buckets.push([]);
      room = bytes;
    }
    buckets.at(-1)!.push(at);
    room -= tensor.size * bytesOf(tensor.dtype);
  }
  return buckets;
}
