/** What can go wrong with a checkpoint, in one line that says what to do. */

/**
 * - `missing`: there is none
 * - `corrupt`: its files contradict its manifest
 * - `mismatch`: it belongs to another model, other data or other settings
 * - `io`: the operating system refused (disk full, permission)
 */
export type CheckpointErrorCode = "missing" | "corrupt" | "mismatch" | "io";

/** `message` starts with `[operation]`. */
export class CheckpointError extends Error {
  override readonly name: string = "CheckpointError";
  readonly code: CheckpointErrorCode;

  constructor(code: CheckpointErrorCode, operation: string, message: string, options?: ErrorOptions) {
    super(`[${operation}] ${message}`, options);
    this.code = code;
  }
}
