/**
 * A tensor: a typed, shaped, strided window onto a reference-counted storage. Immutable in shape; its content changes only through
 * `assign` and the optimizer. All operations are functions in `ops/`; this class only holds, reads and disposes.
 */
import type { Edge } from "./tape.ts";
import type { View } from "../backend/backend.ts";
import type { TensorSpec } from "../backend/fused.ts";
import { bytesOf, hostView } from "../dtype.ts";
import type { DType, HostArray } from "../dtype.ts";
import { ShapeError, UseAfterDisposeError } from "../errors.ts";
import { isDense, showShape, sizeOf } from "../shape.ts";
import type { Shape, Strides } from "../shape.ts";
import type { Runtime } from "./runtime.ts";
import type { Storage } from "./storage.ts";

/** How a tensor lies in its storage. */
export interface Layout {
  readonly shape: Shape;
  /** In elements. */
  readonly strides: Strides;
  /** In elements. */
  readonly offset: number;
}

export class Tensor implements TensorSpec {
  /** Whose operations it takes part in. */
  readonly runtime: Runtime;
  readonly dtype: DType;
  /** Extents, outermost axis first; [] is a scalar. */
  readonly shape: Shape;
  /** Elements from one index to the next along each axis; 0 where an axis repeats. */
  readonly strides: Strides;
  /** Elements before the first one in the storage. */
  readonly offset: number;
  /** Where the tape knows this tensor from; set by autograd only. */
  edge: Edge | undefined;
  readonly #storage: Storage;
  #disposed = false;

  /** Takes over one reference to `storage`. Use the functions of `ops/` instead. */
  constructor(runtime: Runtime, storage: Storage, dtype: DType, layout: Layout) {
    this.runtime = runtime;
    this.#storage = storage;
    this.dtype = dtype;
    this.shape = layout.shape;
    this.strides = layout.strides;
    this.offset = layout.offset;
  }

  /** Count of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** Count of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** Row by row without gaps: what `read` and `Runtime.write` need. `contiguous` makes any tensor so. */
  get dense(): boolean {
    return isDense(this.shape, this.strides);
  }

  /** Whether it was let go of, by `dispose` or at the end of its scope. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Whether other tensors, or values that are saved for a gradient, lie in the same storage: what changes this one then changes them. */
  get shared(): boolean {
    return this.#storage.shared;
  }

  /** What a backend sees. @throws UseAfterDisposeError */
  get view(): View {
    this.#check();
    const { dtype, shape, strides, offset } = this;
    return { buffer: this.#storage.buffer, dtype, shape, strides, offset };
  }

  /** Another tensor on the same storage, with another layout or the same. The caller owns it: no scope will dispose it. */
  alias(layout: Layout = this): Tensor {
    this.#check();
    this.#storage.retain();
    return new Tensor(this.runtime, this.#storage, this.dtype, layout);
  }

  /** Lets go of the storage. Calling it twice is harmless. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.edge = undefined;
    this.#storage.release();
  }

  /**
   * Copies a dense tensor to the host: the one place where anything waits. f16 and bf16 come as 16-bit patterns.
   * @throws ShapeError unless it is dense; UnsupportedError while commands are recorded.
   */
  async read(): Promise<HostArray> {
    this.runtime.expectNoCapture("read");
    const { buffer, offset } = this.view;
    if (!this.dense)
      throw new ShapeError(
        "read",
        `expected a dense tensor, got strides ${showShape(this.strides)}: call contiguous() first`,
      );
    const bytes = bytesOf(this.dtype);
    const data = await this.runtime.backend.read(buffer, offset * bytes, this.size * bytes);
    return hostView(this.dtype, data, 0, this.size);
  }

  /** The single value of a one-element tensor. */
  async item(): Promise<number> {
    const values = await this.read();
    return values[0] ?? Number.NaN;
  }

  #check(): void {
    if (this.#disposed) {
      throw new UseAfterDisposeError(
        "tensor",
        `expected a live tensor, got one of shape ${showShape(this.shape)} that was disposed: return it from its scope() or keep() it`,
      );
    }
  }
}
