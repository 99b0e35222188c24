/**
 * The operations of `Collective` as calls in a backend's command stream, whose thread talks to another native library; JavaScript goes on. What lies
 * with gaps, or has a dtype that the library does not sum, goes through dense copies.
 */
import { bytesOf, CollectiveError, denseStrides, isDense, ShapeError } from "@modernbert-ts/tensor-core";
import type { Collective, DType, Reduction, View } from "@modernbert-ts/tensor-core";
import type { NativeCaller } from "../commands/native-caller.ts";
import type { Address } from "../memory/address.ts";

export type NativeOperation = "allReduce" | "reduceScatter" | "allGather" | "broadcast" | "barrier";

/** A library for processes that work together, joined. */
export interface NativeRanks {
  readonly rank: number;
  readonly world: number;
  /**
   * Of a function that a stream calls. `allReduce` (in place) and `reduceScatter` (input, output) have the attribute 0 for a sum, 1 for a
   * maximum; `broadcast` (in place) the root; `barrier` has one element to work with. Their views are dense.
   */
  address(operation: NativeOperation): Address;
  /** In which dtype elements are reduced. */
  sumDType(dtype: DType): DType;
  /** Gives up, on all ranks: from then on every function answers with the reason. */
  giveUp(reason: string): void;
}

/** Calls of a group that are made as one. */
interface Batch {
  readonly operation: NativeOperation;
  readonly attribute: number;
  readonly dtype: DType;
  readonly views: View[];
}

const reductions: readonly Reduction[] = ["sum", "max"];

export class NativeCollective implements Collective {
  readonly rank: number;
  readonly world: number;
  readonly #ranks: NativeRanks;
  readonly #backend: NativeCaller;
  #group: Batch[] | undefined;
  #afterGroup: (() => void)[] = [];
  /** What is to be done when that which runs beside has ended; undefined where nothing does. */
  #afterSettle: (() => void)[] | undefined;
  #failure: CollectiveError | undefined;

  constructor(ranks: NativeRanks, backend: NativeCaller) {
    this.rank = ranks.rank;
    this.world = ranks.world;
    this.#ranks = ranks;
    this.#backend = backend;
  }

  allReduce(input: View, output: View = input, reduction: Reduction = "sum"): void {
    expectSize("allReduce", output, sizeOf(input));
    if (output !== input) this.#backend.run("copy", [output], [input], {});
    const { dense, back } = this.#dense(output, this.#ranks.sumDType(output.dtype));
    this.#inPlace("allReduce", dense, reductions.indexOf(reduction), back);
  }

  broadcast(view: View, root: number = 0): void {
    if (!(Number.isInteger(root) && root >= 0 && root < this.world))
      throw new ShapeError("broadcast", `expected a root in 0..${this.world - 1}, got ${root}`);
    const { dense, back } = this.#dense(view, view.dtype);
    this.#inPlace("broadcast", dense, root, back);
  }

  reduceScatter(input: View, output: View, reduction: Reduction = "sum"): void {
    expectSize("reduceScatter", input, this.world * sizeOf(output));
    const dtype = this.#ranks.sumDType(input.dtype);
    const from = this.#dense(input, dtype);
    const to = this.#dense(output, dtype);
    this.#call("reduceScatter", [from.dense, to.dense], [reductions.indexOf(reduction)]);
    this.#release(from.dense, input);
    to.back();
  }

  allGather(input: View, output: View): void {
    expectSize("allGather", output, this.world * sizeOf(input));
    const from = this.#dense(input, output.dtype);
    const to = this.#dense(output, output.dtype);
    this.#call("allGather", [from.dense, to.dense]);
    this.#release(from.dense, input);
    to.back();
  }

  group(body: () => void): void {
    if (this.#group) return body();
    const { batches, after } = this.#collect(body);
    for (const { operation, views, attribute } of batches) this.#call(operation, views, [attribute]);
    for (const back of after) back();
  }

  beside(body: () => void): void {
    if (this.#group) return body();
    const { batches, after } = this.#collect(body);
    if (this.#failure) throw this.#failure;
    for (const { operation, views, attribute } of batches)
      this.#backend.callBeside(operation, this.#ranks.address(operation), views, [attribute]);
    this.#afterSettle = [...(this.#afterSettle ?? []), ...after];
  }

  settle(): void {
    const after = this.#afterSettle;
    if (!after) return;
    this.#afterSettle = undefined;
    this.#backend.settle();
    for (const back of after) back();
  }

  async barrier(): Promise<void> {
    const backend = this.#backend;
    const buffer = backend.allocate(4);
    try {
      const element: View = { buffer, dtype: "i32", shape: [1], strides: [1], offset: 0 };
      backend.run("fill", [element], [], { value: 0 });
      this.#call("barrier", [element]);
    } finally {
      backend.release(buffer);
    }
    await backend.synchronize();
  }

  abort(reason: Error): void {
    if (this.#failure) return;
    this.#failure = new CollectiveError("abort", reason.message, { cause: reason });
    this.#ranks.giveUp(reason.message);
    this.settle();
    // The stream meets the failure there, and keeps it for its reads.
    this.#backend.callNative("abort", this.#ranks.address("barrier"), []);
  }

  /** What `body` calls, not yet made; and what comes after it. */
  #collect(body: () => void): { readonly batches: readonly Batch[]; readonly after: readonly (() => void)[] } {
    const batches: Batch[] = (this.#group = []);
    try {
      body();
    } finally {
      this.#group = undefined;
    }
    const after = this.#afterGroup;
    this.#afterGroup = [];
    return { batches, after };
  }

  /** A call in place: within a group it waits for its end, and joins the one before it where that is of the same kind. */
  #inPlace(operation: NativeOperation, view: View, attribute: number, back: () => void): void {
    if (!this.#group) {
      this.#call(operation, [view], [attribute]);
      return back();
    }
    const last = this.#group.at(-1);
    if (last && last.operation === operation && last.attribute === attribute && last.dtype === view.dtype)
      last.views.push(view);
    else this.#group.push({ operation, attribute, dtype: view.dtype, views: [view] });
    this.#afterGroup.push(back);
  }

  #call(operation: NativeOperation, views: readonly View[], attributes: readonly number[] = []): void {
    if (this.#failure) throw this.#failure;
    this.settle();
    this.#backend.callNative(operation, this.#ranks.address(operation), views, attributes);
  }

  /** The view itself where it is dense and of the dtype, else a dense copy; `back` writes that to the view and gives its memory back. */
  #dense(view: View, dtype: DType): { readonly dense: View; readonly back: () => void } {
    if (isDense(view.shape, view.strides) && view.dtype === dtype) return { dense: view, back: () => undefined };
    const backend = this.#backend;
    const buffer = backend.allocate(sizeOf(view) * bytesOf(dtype));
    const dense: View = { buffer, dtype, shape: view.shape, strides: denseStrides(view.shape), offset: 0 };
    backend.run("copy", [dense], [view], {});
    return {
      dense,
      back: () => {
        backend.run("copy", [view], [dense], {});
        backend.release(buffer);
      },
    };
  }

  /** What only was read. */
  #release(dense: View, view: View): void {
    if (dense !== view) this.#backend.release(dense.buffer);
  }
}

function sizeOf({ shape }: View): number {
  return shape.reduce((size, extent) => size * extent, 1);
}

function expectSize(operation: string, view: View, size: number): void {
  if (sizeOf(view) !== size)
    throw new ShapeError(operation, `expected a view of ${size} elements, got [${view.shape.join(", ")}]`);
}
