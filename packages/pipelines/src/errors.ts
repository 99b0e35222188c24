/** Errors of their own class: callers tell them apart. */
import { TensorError } from "@modernbert-ts/tensor-core";

/** No model at that path or id; the message says what was tried and what to do. */
export class ModelNotFoundError extends Error {
  override readonly name = "ModelNotFoundError";

  constructor(message: string, options?: ErrorOptions) {
    super(`[model] ${message}`, options);
  }
}

/** A text of more tokens than the model takes, where it is not to be cut. */
export class TextTooLongError extends TensorError {
  /** Tokens that the model takes. */
  readonly maxLength: number;
  /** Tokens of the text. */
  readonly length: number;

  constructor(operation: string, text: string, { length, maxLength }: { length: number; maxLength: number }) {
    super(operation, `expected at most ${maxLength} tokens, got ${length} in ${text}: shorten it or truncate`);
    this.maxLength = maxLength;
    this.length = length;
  }
}
