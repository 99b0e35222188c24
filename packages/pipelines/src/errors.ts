/** The error of a model that is not there, or lacks files. */

/** No model at that path or id; the message says what was tried and what to do. */
export class ModelNotFoundError extends Error {
  override readonly name = "ModelNotFoundError";

  constructor(message: string, options?: ErrorOptions) {
    super(`[model] ${message}`, options);
  }
}
