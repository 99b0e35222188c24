/** Ids come from data, so a kernel meets bad ones while it runs: it finishes with zeros in their place, then reports. */
import { DeviceValueError } from "@modernbert-ts/tensor-core";

export interface BadIds {
  /** Whether `id` lies outside 0 … count-1; remembers the first that does. */
  includes(id: number): boolean;
  /** Throws the `DeviceValueError` that the engine keeps for the next `read` or `synchronize`. */
  throwIfAny(): void;
}

export function badIds(operation: string, count: number): BadIds {
  let first: number | undefined;
  return {
    includes(id) {
      if (id >= 0 && id < count) return false;
      first ??= id;
      return true;
    },
    throwIfAny() {
      if (first === undefined) return;
      throw new DeviceValueError(operation, `expected ids from 0 to ${count - 1}, got ${first}`);
    },
  };
}
