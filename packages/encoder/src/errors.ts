/** The errors of this package. Like all of the library they are one line: what was expected, what came, what to do. */
import { TensorError } from "@modernbert-ts/tensor-core";

/** A config.json, or a config made in code, that describes no ModernBERT that can be run. */
export class ConfigError extends TensorError {}

/** Token ids, labels or lengths that do not fit the model. Thrown before anything is queued. */
export class BatchError extends TensorError {}

/** A model folder that lacks tensors, has tensors of other names or shapes, or cannot be read. */
export class CheckpointError extends TensorError {}

/** A value that nobody has checked yet, for a message: short, one line, and safe for any value. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  return value === undefined ? "nothing" : String(value);
}

/** Some names for a message: all of a few, else the first ones and how many more. */
export function listNames(names: readonly string[], most = 6): string {
  const rest = names.length - most;
  return names.slice(0, most).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
