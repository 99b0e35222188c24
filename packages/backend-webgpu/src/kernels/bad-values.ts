/** The codes by which kernels report values that only the device can see to be wrong, and what the host makes of them. */
import { DeviceValueError } from "@modernbert-ts/tensor-core";

type Reporter = "gather" | "segmentSum" | "takeAlong" | "putAlong" | "rope" | "linearCrossEntropy" | "varlenAttention";

const messages: Readonly<Record<Reporter, (value: number, limit: number) => string>> = {
  gather: (value, limit) => `expected ids from 0 to ${limit - 1}, got ${value}`,
  segmentSum: (value, limit) => `expected ids from 0 to ${limit - 1}, got ${value}`,
  takeAlong: (value, limit) => `expected ids from 0 to ${limit - 1}, got ${value}`,
  putAlong: (value, limit) => `expected ids from 0 to ${limit - 1}, got ${value}`,
  rope: (value, limit) => `expected positions from 0 to ${limit - 1}, got ${value}`,
  linearCrossEntropy: (value, limit) => `expected labels up to ${limit - 1}, got ${value}`,
  varlenAttention: (value, limit) =>
    `expected cuSeqlens from 0 to ${limit} that do not decrease, got ${value} where it does not fit`,
};

const operations = Object.keys(messages) as Reporter[];

export function errorCode(operation: Reporter): number {
  return operations.indexOf(operation) + 1;
}

/** The error that the words of the device's error buffer describe, or undefined where they are 0. */
export function badValueError(words: Uint32Array): DeviceValueError | undefined {
  const operation = operations[words[0]! - 1];
  if (operation === undefined) return undefined;
  return new DeviceValueError(operation, messages[operation](words[1]! | 0, words[2]!));
}
