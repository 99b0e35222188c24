/** A whole file that is already in memory (a fetch, an upload, a test). For files on disk the reader in reader.ts reads only what is asked for. */

import { bytesToFloat32, bytesToInt32, knownDType } from "./convert.ts";
import { bytesPerElement, tensorFromBytes, type SafetensorsDType, type TensorData } from "./dtypes.ts";
import { SafetensorsError } from "./errors.ts";
import { parseHeader, parseHeaderLength, prefixBytes, type TensorInfo } from "./header.ts";

/** A parsed buffer. Of every call that names a tensor: @throws SafetensorsError where the file lacks it. */
export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The tensor's raw bytes, a view of the buffer. */
  bytes(name: string): Uint8Array;
  /** The tensor in its own dtype: a view of the buffer where alignment allows, else a copy. Treat it as read-only. */
  get(name: string): TensorData;
  /** F32, F64, F16, BF16 or float8 as a new float32 array. @throws SafetensorsError on other dtypes. */
  toFloat32(name: string): Float32Array;
  /** Any integer dtype (or BOOL) as a new int32 array. @throws SafetensorsError on other dtypes, and on a value beyond int32. */
  toInt32(name: string): Int32Array;
}

/**
 * Parses a safetensors file in memory; nothing is copied. `file` names it in errors.
 * @throws SafetensorsError on anything malformed.
 */
export function readSafetensors(buffer: ArrayBuffer | Uint8Array, file = "buffer"): SafetensorsFile {
  // A plain Uint8Array even of a Node Buffer, whose slice() would not copy.
  const all =
    buffer instanceof Uint8Array
      ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
      : new Uint8Array(buffer);
  const jsonLength = parseHeaderLength(all.subarray(0, prefixBytes), all.length, file);
  const { metadata, tensors } = parseHeader(all.subarray(prefixBytes, prefixBytes + jsonLength), all.length, file);

  const find = (name: string): TensorInfo => {
    const info = tensors.get(name);
    if (info === undefined)
      throw new SafetensorsError(file, "expected it in the file, got no tensor of that name", name);
    return info;
  };
  const dtypeOf = (name: string): SafetensorsDType => knownDType(find(name).dtype, { file, tensor: name });
  const bytes = (name: string): Uint8Array => {
    const { byteOffset, byteLength } = find(name);
    return all.subarray(byteOffset, byteOffset + byteLength);
  };
  return {
    metadata,
    tensors,
    bytes,
    get: (name) => tensorFromBytes(dtypeOf(name), find(name).shape, bytes(name)),
    toFloat32: (name) => {
      const dtype = dtypeOf(name);
      const target = new Float32Array(bytes(name).length / bytesPerElement(dtype));
      bytesToFloat32(dtype, bytes(name), target, { file, tensor: name });
      return target;
    },
    toInt32: (name) => bytesToInt32(dtypeOf(name), bytes(name), { file, tensor: name }),
  };
}
