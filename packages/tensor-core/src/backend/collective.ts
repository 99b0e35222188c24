/**
 * The Collective interface: what processes that train one model together exchange.
 *
 * A collective belongs to one backend and works on views of its buffers. Every operation is queued in order with the backend's other
 * commands and returns before it happened, so a training step contains no await; only `barrier` waits. All ranks call the same
 * operations in the same order with the same extents and dtypes. Sums are made in at least f32, in an order that depends on the ranks
 * alone: all of them get the same bits.
 */
import type { View } from "./backend.ts";

/** How the ranks' elements become one. */
export type Reduction = "sum" | "max";

export interface Collective {
  /** This process among the others, 0 … world - 1. */
  readonly rank: number;
  /** How many processes take part, at least 1. */
  readonly world: number;
  /**
   * input [n…] → output [n…]: the elements of all ranks, reduced, on every rank. In place by default.
   * @example collective.allReduce(gradient.view); // Σ over all ranks of the gradient, on each of them
   */
  allReduce(input: View, output?: View, reduction?: Reduction): void;
  /** input [world · n] → output [n]: part `rank` of the reduced input. `output` may be that part of `input`. */
  reduceScatter(input: View, output: View, reduction?: Reduction): void;
  /** input [n] → output [world · n]: the inputs of all ranks, in their order. `input` may be part `rank` of `output`. */
  allGather(input: View, output: View): void;
  /** view [n…] of rank `root` (default 0) → the same view on every rank, in place. */
  broadcast(view: View, root?: number): void;
  /**
   * Starts the operations called in `body` together: one launch and, where a device can, one message for many small views.
   * Their results are there for commands after the group, not inside it.
   * @example collective.group(() => gradients.forEach((gradient) => collective.allReduce(gradient.view)));
   */
  group(body: () => void): void;
  /**
   * As `group`, of operations in place, beside the commands after it: they begin when the commands before are done, and those after do not wait.
   * Until `settle` nothing may touch or release the views.
   */
  beside(body: () => void): void;
  /** Commands after it find what was begun `beside` done. Every other operation settles first. */
  settle(): void;
  /** Resolves when every rank has reached it and all operations before it are done. Between steps, never in one. */
  barrier(): Promise<void>;
  /**
   * Gives up: operations under way end, on this rank and, as they notice, on the others; from then on every operation, `barrier` and the
   * backend's `read` fail with a `CollectiveError` that carries `reason`. Calling it twice is harmless.
   */
  abort(reason: Error): void;
}
