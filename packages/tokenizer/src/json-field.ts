/** A value of a parsed JSON file together with its path, so that every complaint names the field. */
import { TokenizerError, describe } from "./errors.ts";

const MAX_PARTS = 64;
const MAX_DEPTH = 100;

export class JsonField {
  readonly value: unknown;
  readonly path: string;
  /** The last name of the path, as the file writes it. */
  readonly name: string;

  constructor(value: unknown, path: string, name: string = path) {
    this.value = value;
    this.path = path;
    this.name = name;
  }

  /** A whole file, given as text or parsed; `name` is what complaints call it, "" for the tokenizer.json. */
  static file(json: unknown, name: string): JsonField {
    if (typeof json !== "string") return new JsonField(json, name);
    try {
      return new JsonField(JSON.parse(json), name);
    } catch (error) {
      const problem = describe((error as Error).message);
      const expected = name === "" ? "a JSON file" : `${name} to be a JSON file`;
      throw new TokenizerError(`[Tokenizer.fromJSON] expected ${expected}, got: ${problem}`, name);
    }
  }

  /** A member of an object; its value is undefined when missing. */
  get(name: string): JsonField {
    const object = this.object();
    return new JsonField(Object.hasOwn(object, name) ? object[name] : undefined, this.#pathTo(name), name);
  }

  /** The members of an object, by name. */
  members(): JsonField[] {
    return Object.entries(this.object()).map(([name, value]) => new JsonField(value, this.#pathTo(name), name));
  }

  /** What `read` makes of the value, or undefined for null and missing. */
  optional<T>(read: (field: JsonField) => T): T | undefined {
    return this.value === undefined || this.value === null ? undefined : read(this);
  }

  object(): Record<string, unknown> {
    if (typeof this.value !== "object" || this.value === null || Array.isArray(this.value)) this.refuse("an object");
    return this.value as Record<string, unknown>;
  }

  /** Itself, when nothing in it lies deeper than 100 levels: what goes through it later may then do so by calling itself. */
  shallow(): this {
    if (!isWithin(this.value, MAX_DEPTH)) this.refuse(`nested at most ${MAX_DEPTH} levels deep`);
    return this;
  }

  array(): readonly unknown[] {
    if (!Array.isArray(this.value)) this.refuse("an array");
    return this.value as readonly unknown[];
  }

  /** The items of a list, of which there may be at most `max`. */
  items(max: number = Infinity): JsonField[] {
    const list = this.array();
    if (list.length > max) this.refuse(`a list of at most ${max}`);
    return list.map((value, i) => new JsonField(value, `${this.path}[${i}]`));
  }

  /**
   * The parts of a `{ type: "Sequence" }`, whose list has the name `list`, sequences within it taken apart; a part that is no sequence is
   * its own only one. There are at most 64, sequences counted: each of them goes over every text.
   */
  parts(list: string): JsonField[] {
    const parts: JsonField[] = [];
    const open: JsonField[] = [this];
    for (let seen = 1; open.length > 0; seen++) {
      const part = open.pop()!;
      if (seen > MAX_PARTS) this.refuse(`a sequence of at most ${MAX_PARTS} parts`);
      if (part.get("type").value === "Sequence") open.push(...part.get(list).items(MAX_PARTS).reverse());
      else parts.push(part);
    }
    return parts;
  }

  string(): string {
    if (typeof this.value !== "string") this.refuse("a string");
    return this.value as string;
  }

  number(): number {
    if (typeof this.value !== "number") this.refuse("a number");
    return this.value as number;
  }

  /** A whole number from 0 to `max`, which is 2^31 - 1 unless told otherwise. */
  count(max = 0x7fffffff): number {
    const value = this.value as number;
    if (!Number.isInteger(value) || value < 0 || value > max) this.refuse(`a whole number from 0 to ${max}`);
    return value;
  }

  boolean(fallback: boolean): boolean {
    if (this.value === undefined || this.value === null) return fallback;
    if (typeof this.value !== "boolean") this.refuse("true or false");
    return this.value as boolean;
  }

  oneOf<T extends string>(...values: readonly T[]): T {
    if (!values.includes(this.value as T))
      this.refuse(`one of ${values.map((value) => JSON.stringify(value)).join(", ")}`);
    return this.value as T;
  }

  /** Names come from files too: what would not fit into a line of a message is quoted and cut. */
  #pathTo(name: string): string {
    if (!/^[^\s\p{C}]{1,60}$/u.test(name)) return `${this.path}[${describe(name)}]`;
    return this.path === "" ? name : `${this.path}.${name}`;
  }

  /** @param advice what to do. */
  refuse(expected: string, advice?: string): never {
    const at = this.path || "the file";
    const message = `[Tokenizer.fromJSON] expected ${at} to be ${expected}, got ${describe(this.value)}`;
    throw new TokenizerError(advice === undefined ? message : `${message}: ${advice}`, this.path);
  }
}

function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isWithin(inner, levels - 1));
}
