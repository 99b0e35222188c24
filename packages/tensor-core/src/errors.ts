/**
 * Typed errors. Every message starts with the operation in brackets and says what was expected and what came:
 * `[varlenAttention] expected qkv of shape [T, 3, H, D], got [7, 64]`.
 */

/** Base of all errors that this library throws on purpose. */
export class TensorError extends Error {
  readonly operation: string;
  constructor(operation: string, message: string, options?: ErrorOptions) {
    super(`[${operation}] ${message}`, options);
    this.name = new.target.name;
    this.operation = operation;
  }
}

/** Shapes, axes or lengths that do not fit. */
export class ShapeError extends TensorError {}

/** A dtype that the operation or the backend does not take. */
export class DTypeError extends TensorError {}

/** A tensor was used after `dispose()` or after the scope that owned it ended. */
export class UseAfterDisposeError extends TensorError {}

/** A value that only the device could see to be wrong, such as a token id outside the embedding table. Thrown by `read` and `synchronize`. */
export class DeviceValueError extends TensorError {}

/** Something the backend cannot do; `reason` is what `fusedReport()` counts. */
export class UnsupportedError extends TensorError {
  readonly reason: string;
  constructor(operation: string, reason: string) {
    super(operation, reason);
    this.reason = reason;
  }
}

/** The device is gone (GPU reset, adapter unplugged): make a new backend. */
export class DeviceLostError extends TensorError {}

/** Processes that work together cannot go on: one of them is gone, gave up (`cause`), or called something else than the others. */
export class CollectiveError extends TensorError {}
