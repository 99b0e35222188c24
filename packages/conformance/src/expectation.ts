/** What a backend is held to, and the error when it does not conform. */

/** Thrown when a backend does not conform. */
export class ConformanceError extends Error {
  override readonly name = "ConformanceError";
}

export function expectThat(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ConformanceError(message);
}
