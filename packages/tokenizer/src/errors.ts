/** The error of this package: one line that starts with the operation and says what was expected, what came, what to do. */
export class TokenizerError extends Error {
  override readonly name = "TokenizerError";
  /** The field of the tokenizer.json that is wrong, such as `model.merges[3]`, when the error is about one. */
  readonly field: string | undefined;

  constructor(message: string, field?: string) {
    super(message);
    this.field = field;
  }
}

/** What a value is, for messages: its type and a short form of it. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object") return "an object";
  const text = typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
