/**
 * A runtime ties a backend to scopes, a tape and a fusion policy. It holds all mutable state of the core; nothing is global,
 * so two runtimes never see each other.
 */
import type { Tape } from "./tape.ts";
import type { Backend, BufferId } from "../backend/backend.ts";
import { bytesOf, expectHostArray, hostArray } from "../dtype.ts";
import type { DType, HostArray } from "../dtype.ts";
import { DTypeError, ShapeError, TensorError, UnsupportedError } from "../errors.ts";
import { checkShape, denseStrides, showShape, sizeOf } from "../shape.ts";
import type { Shape } from "../shape.ts";
import { Captured } from "./capture.ts";
import { FusionCounts } from "./fusion.ts";
import type { FusionMode, FusionOutcome, FusionRecord } from "./fusion.ts";
import { Scope } from "./scope.ts";
import { Storage } from "./storage.ts";
import { Tensor } from "./tensor.ts";

export interface RuntimeOptions {
  /** Default `auto`. */
  readonly fusion?: FusionMode;
}

/**
 * @example
 * const runtime = new Runtime(await createCpuBackend());
 * const sum = runtime.scope(() => add(runtime.tensor([1, 2], [2]), runtime.tensor([3, 4], [2])));
 * console.log(await sum.read()); // Float32Array [4, 6]
 * sum.dispose();
 */
export class Runtime {
  /** Where everything is computed. The runtime does not dispose it. */
  readonly backend: Backend;
  readonly fusion: FusionMode;
  /** The open tape, if gradients are being recorded; managed by autograd. */
  tape: Tape | undefined;
  readonly #scopes: Scope[] = [];
  #recording = false;
  readonly #fusionCounts: FusionCounts;

  constructor(backend: Backend, options: RuntimeOptions = {}) {
    this.backend = backend;
    this.#fusionCounts = new FusionCounts(backend.name);
    this.fusion = options.fusion ?? "auto";
  }

  /** A dense tensor with undefined content. It belongs to the innermost open scope, or to the caller when none is open. */
  empty(shape: Shape, dtype: DType = "f32"): Tensor {
    checkShape("tensor", shape);
    if (!this.backend.capabilities.storage.includes(dtype)) {
      throw new DTypeError(
        "tensor",
        `expected a dtype that backend ${this.backend.name} stores (${this.backend.capabilities.storage.join(", ")}), got ${dtype}`,
      );
    }
    return this.#dense(shape, dtype);
  }

  /** A dense tensor over a buffer of the backend, which is the tensor's from now on: a part of a file that is mapped. */
  adopt(buffer: BufferId, shape: Shape, dtype: DType): Tensor {
    return this.#dense(shape, dtype, buffer);
  }

  #dense(shape: Shape, dtype: DType, buffer?: BufferId): Tensor {
    const byteLength = sizeOf(shape) * bytesOf(dtype);
    if (byteLength > this.backend.capabilities.maxBufferBytes) {
      throw new ShapeError(
        "tensor",
        `expected at most ${this.backend.capabilities.maxBufferBytes} bytes on ${this.backend.name}, got ${byteLength} for ${showShape(shape)} ${dtype}`,
      );
    }
    const layout = { shape, strides: denseStrides(shape), offset: 0 };
    return this.own(new Tensor(this, new Storage(this.backend, byteLength, buffer), dtype, layout));
  }

  /**
   * Uploads values, row by row: plain numbers are converted to `dtype`, typed arrays must already be its host array (`hostArray`).
   * @example runtime.tensor([1, 2, 3, 4, 5, 6], [2, 3]); // f32, rows [1, 2, 3] and [4, 5, 6]
   * @throws ShapeError when the values are not as many, DTypeError when they are of another kind; UnsupportedError while commands are recorded.
   */
  tensor(values: readonly number[] | HostArray, shape: Shape, dtype: DType = "f32"): Tensor {
    this.expectNoCapture("tensor");
    const data = ArrayBuffer.isView(values) ? values : hostArray(dtype, values);
    expectHostArray("tensor", dtype, data);
    if (data.length !== sizeOf(shape)) {
      throw new ShapeError(
        "tensor",
        `expected ${sizeOf(shape)} ${dtype} values for ${showShape(shape)}, got ${data.length}`,
      );
    }
    const tensor = this.empty(shape, dtype);
    if (data.length > 0) this.backend.write(tensor.view.buffer, data);
    return tensor;
  }

  /**
   * Overwrites a dense tensor with host values, in order with queued work.
   * @throws ShapeError when the tensor is not dense or the values are not as many, DTypeError when they are of another kind; UnsupportedError while commands are recorded.
   */
  write(tensor: Tensor, values: HostArray): void {
    this.expectNoCapture("write");
    expectHostArray("write", tensor.dtype, values);
    if (!tensor.dense || values.length !== tensor.size) {
      throw new ShapeError(
        "write",
        `expected ${tensor.size} values for a dense ${tensor.dtype} tensor, got ${values.length}`,
      );
    }
    const { buffer, offset } = tensor.view;
    if (values.length > 0) this.backend.write(buffer, values, offset * bytesOf(tensor.dtype));
  }

  /**
   * Runs `body` and disposes every tensor made in it, except those in its result (arrays, maps and plain objects are searched), which
   * move to the scope around, or to the caller. Synchronous.
   * @throws TensorError when `body` gives a promise.
   */
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

  /**
   * Records what `body` queues, without running it, to be replayed on new inputs: a forward pass, or a whole training step with its
   * gradients. The body is run once, in a scope. Inputs are tensors made outside, changed by `write` between replays; uploads, writes
   * and reads inside are refused, because a replay would not repeat them.
   *
   * @throws UnsupportedError where the backend cannot record, inside another capture, and inside `valueAndGradients`.
   * @example
   * const input = runtime.empty([8, 64]);
   * const step = runtime.capture(() => linear(input, weight)); // nothing has run yet
   * runtime.write(input, values);
   * step.replay();
   * const output = await step.value.read();
   * step.dispose();
   */
  capture<T>(body: () => T): Captured<T> {
    const { backend } = this;
    if (!backend.capture) throw new UnsupportedError("capture", `backend ${backend.name} cannot record commands`);
    this.expectNoCapture("capture");
    if (this.tape) throw new UnsupportedError("capture", "expected no open tape: put the gradients inside the capture");
    let value: T | undefined;
    let results: readonly Tensor[] = [];
    this.#recording = true;
    try {
      const replay = backend.capture(() => {
        const scope = new Scope();
        this.#scopes.push(scope);
        try {
          value = body();
          if (value instanceof Promise)
            throw new TensorError("capture", "expected a synchronous body, got a promise: read after a replay");
        } finally {
          this.#scopes.pop();
          results = scope.close(value, undefined);
        }
      });
      return new Captured(value as T, results, replay);
    } catch (error) {
      for (const tensor of results) tensor.dispose();
      throw error;
    } finally {
      this.#recording = false;
    }
  }

  /** @param operation What a replay would not repeat. @throws UnsupportedError while commands are recorded. */
  expectNoCapture(operation: string): void {
    if (!this.#recording) return;
    throw new UnsupportedError(
      operation,
      `expected no ${operation} while commands are recorded, which a replay would not repeat: do it before or after the capture`,
    );
  }

  /** Takes a tensor out of its scope: from now on the caller disposes it. */
  keep(tensor: Tensor): Tensor {
    for (const scope of this.#scopes) if (scope.disown(tensor)) break;
    return tensor;
  }

  /** Puts a caller-owned tensor into the innermost open scope, if one is open. */
  own(tensor: Tensor): Tensor {
    this.#scopes.at(-1)?.own(tensor);
    return tensor;
  }

  /** Called where a composite chooses how it runs. */
  countFusion(outcome: FusionOutcome): void {
    this.#fusionCounts.add(outcome);
  }

  /**
   * What ran fused and what did not, with reasons: nothing falls back silently. A product that is the primitive `matmul` at the device's
   * full speed is neither and not listed.
   * @example runtime.fusedReport().filter(({ reason }) => reason !== undefined) // what ran slowly, and why
   */
  fusedReport(): FusionRecord[] {
    return this.#fusionCounts.report();
  }
}
