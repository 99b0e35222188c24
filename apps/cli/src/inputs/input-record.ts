/** One record of the input, and its fields as commands want them: errors name the record, the field and the nearest one that is there. */
import { suggestionFor } from "@modernbert-ts/training";
import { CliError } from "../errors.ts";

export class InputRecord {
  /** Where it stands: `line 3`, `reviews.jsonl:3`. */
  readonly name: string;
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #textField: string;

  /** @param textField what holds the field `text`. */
  constructor(name: string, fields: Readonly<Record<string, unknown>>, textField = "text") {
    this.name = name;
    this.#fields = fields;
    this.#textField = textField;
  }

  /** Whether there is such a field with a value; null counts as none. */
  has(field: string): boolean {
    return (this.#value(field) ?? null) !== null;
  }

  /** @throws CliError where the field is no text. */
  text(field: string): string {
    const value = this.#value(field);
    if (typeof value === "string") return value;
    throw this.#fault(field, "text");
  }

  /** `text`, with `text_pair` where the record has one. @throws CliError where one is no text. */
  textOrPair(): string | [text: string, pair: string] {
    const text = this.text("text");
    return this.has("text_pair") ? [text, this.text("text_pair")] : text;
  }

  /** A list of texts, which CSV writes as JSON. @throws CliError for anything else. */
  texts(field: string): readonly string[] {
    const value = this.#value(field);
    const list = typeof value === "string" ? parsed(value) : value;
    if (Array.isArray(list) && list.every((item) => typeof item === "string")) return list as readonly string[];
    throw this.#fault(field, "a list of texts");
  }

  #value(field: string): unknown {
    const name = this.#nameOf(field);
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  #nameOf(field: string): string {
    return field === "text" ? this.#textField : field;
  }

  #fault(field: string, wanted: string): CliError {
    const [name, known] = [this.#nameOf(field), Object.keys(this.#fields)];
    const meant = suggestionFor(name, known);
    const found =
      this.#value(field) === undefined
        ? `no such field (there is ${known.join(", ") || "none"}${meant === undefined ? "" : `; is ${meant} meant?`})`
        : (JSON.stringify(this.#value(field)) ?? "another value").slice(0, 40);
    return new CliError(`${this.name}: expected ${wanted} in field ${name}, got ${found}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
