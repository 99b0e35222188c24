/**
 * The header: 8 bytes little-endian length n, then n bytes of JSON `{name: {dtype, shape, data_offsets}}`, then the tensors' bytes.
 * Everything in it is checked before anything is read or allocated, because files come from strangers: after `parseHeader`
 * each tensor's range is inside the file, matches shape × dtype, and the ranges tile the body without hole or overlap. The size of
 * a tensor of an unknown dtype is what its offsets say: a file may hold one that nobody reads.
 */

import { bytesPerElement, isSafetensorsDType, type SafetensorsDType } from "./dtypes.ts";
import { quote, SafetensorsError } from "./errors.ts";
import { findDuplicateKey } from "./json-keys.ts";

/** Largest header that is read, in bytes: the limit of the reference implementation. */
export const maxHeaderBytes = 100_000_000;
/** Bytes before the JSON. */
export const prefixBytes = 8;

/** Where a tensor lies in its file; `byteOffset` counts from the start of the file. */
export interface TensorInfo {
  /** A SafetensorsDType, or a name that this package does not know: then only the raw bytes can be had. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** A checked header; tensors in the order in which the JSON names them. */
export interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
}

/**
 * The JSON's length from the first bytes of a file of `size` bytes.
 * @throws SafetensorsError when the file is too short for it, or the header beyond the limit.
 */
export function parseHeaderLength(prefix: Uint8Array, size: number, file: string): number {
  if (prefix.length < prefixBytes)
    throw new SafetensorsError(file, `expected at least 8 bytes, got ${prefix.length}: not a safetensors file`);
  const length = new DataView(prefix.buffer, prefix.byteOffset, prefixBytes).getBigUint64(0, true);
  if (length > maxHeaderBytes) {
    throw new SafetensorsError(
      file,
      `expected a header of at most ${maxHeaderBytes} bytes, got ${length}: not a safetensors file`,
    );
  }
  if (Number(length) > size - prefixBytes) {
    throw new SafetensorsError(
      file,
      `expected a header of ${length} bytes, got a file of ${size}: it is truncated; download or save it again`,
    );
  }
  return Number(length);
}

/**
 * Parses and checks the JSON of a file of `size` bytes.
 * @throws SafetensorsError on anything malformed.
 */
export function parseHeader(json: Uint8Array, size: number, file: string): Header {
  const entries = Object.entries(parseJson(json, file));
  const bodyStart = prefixBytes + json.length;
  const tensors = new Map<string, TensorInfo>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of entries) {
    if (name === "__metadata__") metadata = parseMetadata(value, file);
    else tensors.set(name, parseTensor(value, bodyStart, size, file, name));
  }
  checkTiling(tensors, bodyStart, size, file);
  return { metadata, tensors };
}

function parseJson(json: Uint8Array, file: string): Record<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json);
    value = JSON.parse(text);
  } catch (cause) {
    throw new SafetensorsError(
      file,
      "expected a JSON header, got something else: not a safetensors file, or a corrupt one",
      undefined,
      { cause },
    );
  }
  if (!isObject(value))
    throw new SafetensorsError(file, `expected the header to be a JSON object, got ${quote(value)}`);
  const twice = findDuplicateKey(text);
  if (twice !== undefined)
    throw new SafetensorsError(file, "expected each name once in the header, got it twice", twice);
  return value;
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === "string")) {
    throw new SafetensorsError(file, `expected __metadata__ to map strings to strings, got ${quote(value)}`);
  }
  return value as Record<string, string>;
}

function parseTensor(value: unknown, bodyStart: number, size: number, file: string, name: string): TensorInfo {
  const fail = (problem: string): never => {
    throw new SafetensorsError(file, problem, name);
  };
  if (!isObject(value)) return fail(`expected {dtype, shape, data_offsets}, got ${quote(value)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string") return fail(`expected the name of a dtype, got ${quote(dtype)}`);
  if (!isCounts(shape)) return fail(`expected a shape of non-negative integers, got ${quote(shape)}`);
  if (!isCounts(offsets) || offsets.length !== 2) return fail(`expected two data offsets, got ${quote(offsets)}`);
  const [begin, end] = offsets as readonly [number, number];
  const byteLength = isSafetensorsDType(dtype) ? tensorByteLength(dtype, shape) : Math.max(0, end - begin);
  if (byteLength === undefined) return fail(`expected a shape that fits in memory, got ${quote(shape)}`);
  if (end - begin !== byteLength) {
    return fail(`expected ${byteLength} bytes for ${quote(dtype)} ${quote(shape)}, got data offsets ${quote(offsets)}`);
  }
  if (bodyStart + end > size) {
    return fail(
      `expected its data within ${size - bodyStart} bytes, got an end at ${end}: the file is truncated; download or save it again`,
    );
  }
  return { dtype, shape, byteOffset: bodyStart + begin, byteLength };
}

/** Bytes of a tensor, or undefined where the count is beyond exact integers. */
export function tensorByteLength(dtype: SafetensorsDType, shape: readonly number[]): number | undefined {
  let bytes = bytesPerElement(dtype);
  for (const size of shape) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) return undefined;
  }
  return bytes;
}

function checkTiling(tensors: ReadonlyMap<string, TensorInfo>, bodyStart: number, size: number, file: string): void {
  const byOffset = [...tensors].sort(([, a], [, b]) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  let next = bodyStart;
  for (const [name, { byteOffset, byteLength }] of byOffset) {
    if (byteOffset !== next) {
      const what = byteOffset < next ? "an overlap with the tensor before it" : "a hole before it";
      throw new SafetensorsError(
        file,
        `expected its data at ${next - bodyStart}, got ${byteOffset - bodyStart}: ${what}`,
        name,
      );
    }
    next = byteOffset + byteLength;
  }
  if (next !== size)
    throw new SafetensorsError(file, `expected ${next} bytes, got ${size}: bytes after the last tensor`);
}

/** True for a list of exact integers, none negative. */
export function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
