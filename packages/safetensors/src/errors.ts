/** The one error type of this package: what is wrong with which file and which tensor, in one line. */

/** Thrown for a file, index or argument that cannot be used; `message` is one line and names the file and, where there is one, the tensor. */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
  /** The file (or the label given to a buffer) that the error is about. */
  readonly file: string;
  /** The tensor that the error is about, when it is about one. */
  readonly tensor: string | undefined;

  constructor(file: string, problem: string, tensor?: string, options?: ErrorOptions) {
    super(`[safetensors] ${file}: ${tensor === undefined ? "" : `tensor ${quote(tensor)}: `}${problem}`, options);
    this.file = file;
    this.tensor = tensor;
  }
}

/** A value from a file that nobody has checked yet, for a message: one line, short, and one level deep however deep it is nested. */
export function quote(value: unknown): string {
  const text = Array.isArray(value) ? `[${value.slice(0, 12).map(quoteLeaf).join(",")}]` : quoteLeaf(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function quoteLeaf(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  return typeof value === "object" && value !== null ? (Array.isArray(value) ? "[...]" : "{...}") : String(value);
}
