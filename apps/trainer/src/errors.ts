/** Errors of the command line: one line that says what to do; exit code 1, or 2 for wrong usage. */

/** Something that the person at the keyboard can put right. */
export class UserError extends Error {
  override readonly name: string = "UserError";
}

/** A command, option or configuration that does not exist or cannot be: exit code 2. */
export class UsageError extends UserError {
  override readonly name: string = "UsageError";
}
