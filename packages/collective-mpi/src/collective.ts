/**
 * The operations of `Collective` as calls in the backend's command stream: its thread talks to MPI, JavaScript goes on. What lies with gaps, or
 * is to be summed in 16 bits, goes through dense copies (in f32).
 */
import { callsNative } from "@modernbert-ts/device-kit";
import type { NativeCaller } from "@modernbert-ts/device-kit";
import {
  bytesOf,
  CollectiveError,
  denseStrides,
  isDense,
  ShapeError,
  UnsupportedError,
} from "@modernbert-ts/tensor-core";
import type { Backend, Collective, DType, Reduction, View } from "@modernbert-ts/tensor-core";
import type { Addon, NativeOperation } from "./addon.ts";

/** Calls of a group that are made as one. */
interface Batch {
  readonly operation: NativeOperation;
  readonly attribute: number;
  readonly dtype: DType;
  readonly views: View[];
}

const reductions: readonly Reduction[] = ["sum", "max"];

export class MpiCollective implements Collective {
  readonly rank: number;
  readonly world: number;
  readonly #addon: Addon;
  readonly #backend: NativeCaller;
  #group: Batch[] | undefined;
  #afterGroup: (() => void)[] = [];
  #failure: CollectiveError | undefined;

  /** @throws UnsupportedError. */
  constructor(addon: Addon, backend: Backend) {
    if (!callsNative(backend))
      throw new UnsupportedError(
        "collective",
        `expected the native engine of the CPU backend, got ${backend.capabilities.device}: MPI works on its memory only`,
      );
    this.rank = addon.rank();
    this.world = addon.world();
    this.#addon = addon;
    this.#backend = backend;
  }

  allReduce(input: View, output: View = input, reduction: Reduction = "sum"): void {
    expectSize("allReduce", output, sizeOf(input));
    if (output !== input) this.#backend.run("copy", [output], [input], {});
    const { dense, back } = this.#dense(output, computeDType(output.dtype));
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
    const dtype = computeDType(input.dtype);
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
    const batches: Batch[] = (this.#group = []);
    try {
      body();
    } finally {
      this.#group = undefined;
      const after = this.#afterGroup;
      this.#afterGroup = [];
      for (const { operation, views, attribute } of batches) this.#call(operation, views, [attribute]);
      for (const back of after) back();
    }
  }

  async barrier(): Promise<void> {
    this.#call("barrier", []);
    await this.#backend.synchronize();
  }

  abort(reason: Error): void {
    if (this.#failure) return;
    this.#failure = new CollectiveError("abort", reason.message, { cause: reason });
    this.#addon.giveUp(reason.message);
    // The stream meets the failure there, and keeps it for its reads.
    this.#backend.callNative("abort", this.#addon.address("barrier"), []);
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
    this.#backend.callNative(operation, this.#addon.address(operation), views, attributes);
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

/** Sums are made in at least 32 bits. */
function computeDType(dtype: DType): DType {
  return dtype === "f16" || dtype === "bf16" ? "f32" : dtype;
}

function sizeOf({ shape }: View): number {
  return shape.reduce((size, extent) => size * extent, 1);
}

function expectSize(operation: string, view: View, size: number): void {
  if (sizeOf(view) !== size)
    throw new ShapeError(operation, `expected a view of ${size} elements, got [${view.shape.join(", ")}]`);
}
