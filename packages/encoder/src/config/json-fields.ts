/** Checked reading of single fields of a JSON object: absent gives the default, anything unfit a ConfigError that names the field. */
import { ConfigError, show } from "../errors.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function fail(field: string, expected: string, value: unknown): never {
  throw new ConfigError("config", `expected ${field} to be ${expected}, got ${show(value)}`);
}

/** Sizes stay below 2³¹, so that they fit the 32-bit ids and shapes of every backend. */
const largest = 2 ** 31 - 1;

export class JsonFields {
  readonly #json: JsonObject;
  readonly #path: string;

  /** @param path Put before field names in errors. */
  constructor(json: JsonObject, path = "") {
    this.#json = json;
    this.#path = path;
  }

  /** The field's own value; undefined when absent. */
  raw(name: string): unknown {
    return Object.hasOwn(this.#json, name) ? this.#json[name] : undefined;
  }

  fail(name: string, expected: string): never {
    fail(this.#path + name, expected, this.raw(name));
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.raw(name) ?? fallback;
    return typeof value === "boolean" ? value : this.fail(name, "true or false");
  }

  integer(name: string, fallback: number, least = 1, most: number = largest): number {
    const value = this.raw(name) === undefined ? fallback : this.raw(name);
    const fits = Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
    return fits ? (value as number) : this.fail(name, `a whole number from ${least} to ${most}`);
  }

  /** A token id, or null where there is none. */
  tokenId(name: string, fallback: number | null): number | null {
    if (this.raw(name) === null || (this.raw(name) === undefined && fallback === null)) return null;
    return this.integer(name, fallback ?? 0, 0);
  }

  /** A finite number above `least`. */
  above(name: string, fallback: number | undefined, least: number): number {
    const value = this.raw(name) === undefined ? fallback : this.raw(name);
    return Number.isFinite(value) && (value as number) > least
      ? (value as number)
      : this.fail(name, `a number above ${least}`);
  }

  /** A dropout rate. */
  rate(name: string, fallback: number): number {
    const value = this.raw(name) === undefined ? fallback : this.raw(name);
    const fits = Number.isFinite(value) && (value as number) >= 0 && (value as number) < 1;
    return fits ? (value as number) : this.fail(name, "a number from 0 to below 1");
  }

  /** One of the keys of `choices`; gives the value that it stands for. */
  choice<T>(name: string, fallback: T, choices: Readonly<Record<string, T>>): T {
    const value = this.raw(name);
    if (value === undefined) return fallback;
    if (typeof value === "string" && Object.hasOwn(choices, value)) return choices[value] as T;
    return this.fail(name, `one of ${Object.keys(choices).join(", ")}`);
  }

  /** A nested object; null and absent are the empty one. */
  object(name: string): JsonObject {
    const value = this.raw(name) ?? {};
    return isJsonObject(value) ? value : this.fail(name, "an object");
  }
}
