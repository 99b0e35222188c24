/** Errors of their own class: callers tell them apart. */
import { TensorError } from "@modernbert-ts/tensor-core";

/** No model at that path or id; the message says what was tried and what to do. */
export class ModelNotFoundError extends Error {
  override readonly name = "ModelNotFoundError";

  constructor(message: string, options?: ErrorOptions) {
    super(`[model] ${message}`, options);
  }
}

/** The model is of another kind than what is asked of it wants. */
export class UnsuitableModelError extends TensorError {}

/** What a caller gave cannot be used. */
export class InputError extends TensorError {
  /** `text`, or the option's name. */
  readonly argument: string;

  constructor(operation: string, argument: string, message: string) {
    super(operation, message);
    this.argument = argument;
  }
}

/** A text of more tokens than the model takes, where it is not to be cut. */
export class TextTooLongError extends InputError {
  /** Tokens that the model takes. */
  readonly maxLength: number;
  /** Tokens of the text. */
  readonly length: number;

  constructor(operation: string, text: string, { length, maxLength }: { length: number; maxLength: number }) {
    super(operation, "text", `expected at most ${maxLength} tokens, got ${length} in ${text}: shorten it or truncate`);
    this.maxLength = maxLength;
    this.length = length;
  }
}
