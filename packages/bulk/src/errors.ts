/** What is wrong with a job or its queue, in one line for people: what was expected, what was found and what to do. */
export class BulkError extends Error {
  override readonly name = "BulkError";

  constructor(message: string, options?: ErrorOptions) {
    super(`[bulk] ${message}`, options);
  }
}
