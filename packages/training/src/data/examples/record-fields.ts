/** The fields of a record under the names that an objective has for them; what is missing or of another type is a fault of the record. */
import { notText } from "../sources/decode.ts";
import type { DataRecord } from "../sources/formats/format.ts";

/** Why a record cannot be used; its place is added where it was read. */
export class RecordError extends Error {
  override readonly name: string = "RecordError";
  readonly expected: string;
  readonly found: string;

  constructor(expected: string, found: string) {
    super(`expected ${expected}, got ${found}`);
    this.expected = expected;
    this.found = found;
  }
}

export class RecordFields {
  readonly #fields: DataRecord["fields"];
  readonly #names: Readonly<Record<string, string>>;

  /** @param names the record's own name of each field that the objective knows. */
  constructor({ fields }: Pick<DataRecord, "fields">, names: Readonly<Record<string, string>>) {
    this.#fields = fields;
    this.#names = names;
  }

  has(field: string): boolean {
    return (this.#fields[this.#nameOf(field)] ?? null) !== null;
  }

  /** @throws RecordError */
  text(field: string): string {
    const value = this.#value(field);
    return typeof value === "string" && value.trim() !== "" && !notText(value)
      ? value
      : this.#refuse("a text", field, value);
  }

  /** @throws RecordError */
  texts(field: string): string[] {
    return this.list(field, "texts", (value) =>
      typeof value === "string" && value !== "" && !notText(value) ? value : undefined,
    );
  }

  /** A number, also as CSV writes it. @throws RecordError */
  number(field: string): number {
    const value = this.#value(field);
    return asNumber(value) ?? this.#refuse("a number", field, value);
  }

  /** @throws RecordError */
  numbers(field: string): number[] {
    return this.list(field, "numbers", asNumber);
  }

  /** A class by its name; numbers and switches are names too. @throws RecordError */
  label(field: string): string {
    const value = this.#value(field);
    return asLabel(value) ?? this.#refuse("a label (a text or a whole number)", field, value);
  }

  /** @throws RecordError */
  labels(field: string): string[] {
    return this.list(field, "labels", asLabel);
  }

  /** A list whose elements all are what `take` gives something for. @throws RecordError */
  list<T>(field: string, what: string, take: (value: unknown) => T | undefined): T[] {
    const value = this.#value(field);
    if (!Array.isArray(value) && !ArrayBuffer.isView(value)) return this.#refuse(`a list of ${what}`, field, value);
    return Array.from(value as ArrayLike<unknown>, (element, at) => {
      const taken = take(element);
      return taken === undefined ? this.#refuse(`a list of ${what}`, `${field}`, element, at) : taken;
    });
  }

  /** @throws RecordError where there is none. */
  raw(field: string): unknown {
    return this.#value(field);
  }

  #nameOf(field: string): string {
    return this.#names[field] ?? field;
  }

  #value(field: string): unknown {
    const name = this.#nameOf(field);
    const value = this.#fields[name] ?? undefined;
    if (value !== undefined) return value;
    const known = Object.keys(this.#fields).join(", ") || "none";
    throw new RecordError(`a field "${name}"`, `none (there is ${known})`);
  }

  #refuse(expected: string, field: string, value: unknown, at?: number): never {
    const place = `"${this.#nameOf(field)}"${at === undefined ? "" : `[${at}]`}`;
    throw new RecordError(`${expected} in field ${place}`, show(value));
  }
}

function asNumber(value: unknown): number | undefined {
  if (typeof value === "bigint") return Number(value);
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

function asLabel(value: unknown): string | undefined {
  if (typeof value === "string") return value.trim() === "" ? undefined : value;
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : undefined;
  return typeof value === "bigint" || typeof value === "boolean" ? String(value) : undefined;
}

function show(value: unknown): string {
  const found = typeof value === "string" ? notText(value) : undefined;
  if (found !== undefined) return found;
  const text = typeof value === "bigint" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
