/**
 * A runtime ties a backend to scopes, a tape and a fusion policy. It holds all mutable state of the core; nothing is global,
 * so two runtimes never see each other.
 */
import type { Tape } from "../autograd/tape.ts";
import type { Backend } from "../backend/backend.ts";
import type { CompositeName } from "../backend/fused.ts";
import { bytesOf, hostArray } from "../dtype.ts";
import type { DType, HostArray } from "../dtype.ts";
import { DTypeError, ShapeError, TensorError } from "../errors.ts";
import { checkShape, denseStrides, showShape, sizeOf } from "../shape.ts";
import type { Shape } from "../shape.ts";
import { Scope } from "./scope.ts";
import { Storage } from "./storage.ts";
import { Tensor } from "./tensor.ts";

/**
 * `auto`: fused kernels where the backend supports the case, counted refusals elsewhere; `fused`: a refusal throws with its reason;
 * `reference`: composites always run from primitives.
 */
export type FusionMode = "auto" | "fused" | "reference";

/** How often a composite ran fused, or ran from primitives and why. */
export interface FusionRecord {
  readonly composite: CompositeName;
  readonly backend: string;
  /** undefined: it ran fused. */
  readonly reason: string | undefined;
  readonly count: number;
}

export interface RuntimeOptions {
  readonly fusion?: FusionMode;
}

export class Runtime {
  readonly backend: Backend;
  readonly fusion: FusionMode;
  /** The open tape, if gradients are being recorded; managed by autograd. */
  tape: Tape | undefined;
  readonly #scopes: Scope[] = [];
  readonly #fusionCounts = new Map<string, { composite: CompositeName; reason: string | undefined; count: number }>();

  constructor(backend: Backend, options: RuntimeOptions = {}) {
    this.backend = backend;
    this.fusion = options.fusion ?? "auto";
  }

  /** A tensor with undefined content. It belongs to the innermost open scope, or to the caller when none is open. */
  empty(shape: Shape, dtype: DType = "f32"): Tensor {
    checkShape("tensor", shape);
    if (!this.backend.capabilities.storage.includes(dtype)) {
      throw new DTypeError(
        "tensor",
        `expected a dtype that backend ${this.backend.name} stores (${this.backend.capabilities.storage.join(", ")}), got ${dtype}`,
      );
    }
    const byteLength = sizeOf(shape) * bytesOf(dtype);
    if (byteLength > this.backend.capabilities.maxBufferBytes) {
      throw new ShapeError(
        "tensor",
        `expected at most ${this.backend.capabilities.maxBufferBytes} bytes on ${this.backend.name}, got ${byteLength} for ${showShape(shape)} ${dtype}`,
      );
    }
    return this.own(
      new Tensor(this, new Storage(this.backend, byteLength), dtype, {
        shape,
        strides: denseStrides(shape),
        offset: 0,
      }),
    );
  }

  /** Uploads values: plain numbers are converted to `dtype`, typed arrays must already be its host array (`hostArray`). */
  tensor(values: readonly number[] | HostArray, shape: Shape, dtype: DType = "f32"): Tensor {
    const data = ArrayBuffer.isView(values) ? values : hostArray(dtype, values);
    if (data.length !== sizeOf(shape) || data.BYTES_PER_ELEMENT !== bytesOf(dtype)) {
      throw new ShapeError(
        "tensor",
        `expected ${sizeOf(shape)} ${dtype} values for ${showShape(shape)}, got ${data.length} of ${data.BYTES_PER_ELEMENT} bytes`,
      );
    }
    const tensor = this.empty(shape, dtype);
    if (data.length > 0) this.backend.write(tensor.view.buffer, data);
    return tensor;
  }

  /** Overwrites a dense tensor with host values, in order with queued work. */
  write(tensor: Tensor, values: HostArray): void {
    if (!tensor.dense || values.length !== tensor.size || values.BYTES_PER_ELEMENT !== bytesOf(tensor.dtype)) {
      throw new ShapeError(
        "write",
        `expected ${tensor.size} values for a dense ${tensor.dtype} tensor, got ${values.length} of ${values.BYTES_PER_ELEMENT} bytes`,
      );
    }
    const { buffer, offset } = tensor.view;
    if (values.length > 0) this.backend.write(buffer, values, offset * bytesOf(tensor.dtype));
  }

  /** Runs `body` and disposes every tensor made in it, except those in its result (arrays, maps and plain objects are searched). Synchronous. */
  scope<T>(body: () => T): T {
    const scope = new Scope();
    this.#scopes.push(scope);
    let result: T | undefined;
    try {
      result = body();
      if (result instanceof Promise)
        throw new TensorError("scope", "expected a synchronous body, got a promise: read results after the scope");
      return result;
    } finally {
      this.#scopes.pop();
      scope.close(result, this.#scopes.at(-1));
    }
  }

  /** Takes a tensor out of its scope: from now on the caller disposes it. */
  keep(tensor: Tensor): Tensor {
    for (const scope of this.#scopes) if (scope.disown(tensor)) break;
    return tensor;
  }

  /** Puts a caller-owned tensor into the innermost open scope. */
  own(tensor: Tensor): Tensor {
    this.#scopes.at(-1)?.own(tensor);
    return tensor;
  }

  countFusion(composite: CompositeName, reason: string | undefined): void {
    const key = `${composite}\n${reason ?? ""}`;
    const entry = this.#fusionCounts.get(key) ?? { composite, reason, count: 0 };
    entry.count++;
    this.#fusionCounts.set(key, entry);
  }

  /** What ran fused and what did not, with reasons: nothing falls back silently. */
  fusedReport(): FusionRecord[] {
    return [...this.#fusionCounts.values()].map((entry) => ({ ...entry, backend: this.backend.name }));
  }
}
