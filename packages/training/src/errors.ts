/**
 * Errors of the data pipeline: one line that names the operation, what was expected, what was found and what to do.
 * The `code` is for programs, the message for people.
 */

/**
 * - `missing`: a file or folder is not there
 * - `corrupt`: data on disk contradict their own description
 * - `mismatch`: two good things do not belong together (vocabulary, saved state)
 * - `invalid`: an argument or an input record is outside its range
 * - `io`: the operating system refused (disk full, permission)
 */
export type DataErrorCode = "missing" | "corrupt" | "mismatch" | "invalid" | "io";

/** Thrown by everything under `data/`; `message` starts with `[operation]`. */
export class DataError extends Error {
  override readonly name: string = "DataError";
  readonly code: DataErrorCode;

  constructor(code: DataErrorCode, operation: string, message: string, options?: ErrorOptions) {
    super(`[${operation}] ${message}`, options);
    this.code = code;
  }
}

/** A saved state belongs to another value of a setting. */
export class SettingMismatchError extends DataError {
  override readonly name: string = "SettingMismatchError";
  /** As `PackedLoaderOptions` names it. */
  readonly setting: string;
  readonly saved: unknown;
  readonly given: unknown;

  constructor(operation: string, setting: string, saved: unknown, given: unknown) {
    const [was, is] = [saved, given].map((value) => JSON.stringify(value));
    super(
      "mismatch",
      operation,
      `expected to continue with ${setting} = ${was}, got ${is}; set it back, or start anew`,
    );
    this.setting = setting;
    this.saved = saved;
    this.given = given;
  }
}

const advice: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder; check the path",
  ENOSPC: "the disk is full; free some space and run again",
  EDQUOT: "the disk quota is used up; free some space and run again",
  EACCES: "permission denied; check the owner and mode of the path",
  EPERM: "operation not permitted; check the owner and mode of the path",
  EROFS: "the file system is read-only; choose another path",
  EFBIG: "the file would be larger than the file system or its limit (ulimit -f) allows; choose another place",
  ENOTDIR: "a part of the path is a file, not a folder; check the path",
  EMFILE: "too many open files; raise the limit (ulimit -n)",
};

/** Turns an error of `node:fs` into a {@link DataError}; a DataError passes unchanged. */
export function ioError(operation: string, path: string, cause: unknown): DataError {
  if (cause instanceof DataError) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  const reason = advice[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new DataError(code === "ENOENT" ? "missing" : "io", operation, `${path}: ${reason}`, { cause });
}

/** Checks an integer argument against an inclusive range. */
export function checkInteger(operation: string, name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new DataError("invalid", operation, `expected ${name} to be an integer in ${min}..${max}, got ${value}`);
}
