/**
 * Tensors to the bytes of a file, as a stream of chunks: the header, then each tensor as it is asked for. Data given as a function
 * is fetched only when its turn comes, so that saving a model never holds a second copy of it. Where the chunks go (a file, a Blob,
 * an upload) is the caller's choice.
 */

import { knownDType } from "./convert.ts";
import { bytesPerElement, type SafetensorsDType } from "./dtypes.ts";
import { quote, SafetensorsError } from "./errors.ts";
import { isCounts, maxHeaderBytes, prefixBytes, tensorByteLength } from "./header.ts";

/** The body begins at a multiple of this many bytes, so that whoever maps the file has matrices where its vectors like them. */
const bodyGranule = 64;

/** A tensor to be written; `data` holds shape × dtype bytes, row-major, little-endian, or is a function that brings them. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView | (() => ArrayBufferView | Promise<ArrayBufferView>);
}

export interface SerializeOptions {
  /** Free strings in the header; `{ format: "pt" }` unless told otherwise, which is what transformers expects. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Names the destination in errors. */
  readonly file?: string;
}

/**
 * The chunks of a safetensors file. Tensors of wider dtypes come first (else in the given order), so that every tensor is aligned
 * to its element size.
 * @throws SafetensorsError before the first chunk on a bad or repeated name, shape or dtype, and when a tensor's turn comes on data of the
 * wrong size.
 */
export async function* serializeSafetensors(
  entries: Iterable<TensorEntry>,
  options: SerializeOptions = {},
): AsyncGenerator<Uint8Array> {
  const { metadata = { format: "pt" }, file = "output" } = options;
  const planned = [...entries].map((entry) => ({ entry, byteLength: checkedByteLength(entry, file) }));
  planned.sort((a, b) => bytesPerElement(b.entry.dtype) - bytesPerElement(a.entry.dtype));
  yield encodeHeader(planned, metadata, file);
  for (const { entry, byteLength } of planned) {
    const data = typeof entry.data === "function" ? await entry.data() : entry.data;
    if (data.byteLength !== byteLength) {
      throw new SafetensorsError(file, `expected ${byteLength} bytes of data, got ${data.byteLength}`, entry.name);
    }
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
}

interface PlannedEntry {
  readonly entry: TensorEntry;
  readonly byteLength: number;
}

function encodeHeader(
  planned: readonly PlannedEntry[],
  metadata: Readonly<Record<string, string>>,
  file: string,
): Uint8Array {
  const header = new Map<string, unknown>([["__metadata__", metadata]]);
  let offset = 0;
  for (const { entry, byteLength } of planned) {
    const { name, dtype, shape } = entry;
    if (header.has(name)) throw new SafetensorsError(file, "expected a name that is free, got it twice", name);
    header.set(name, { dtype, shape, data_offsets: [offset, offset + byteLength] });
    offset += byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = Math.ceil((prefixBytes + json.length) / bodyGranule) * bodyGranule - prefixBytes;
  if (padded > maxHeaderBytes)
    throw new SafetensorsError(file, `expected a header of at most ${maxHeaderBytes} bytes, got ${padded}`);
  const bytes = new Uint8Array(prefixBytes + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, prefixBytes);
  return bytes;
}

function checkedByteLength({ name, dtype, shape }: TensorEntry, file: string): number {
  const known = knownDType(dtype, { file, tensor: name });
  const bytes = isCounts(shape) ? tensorByteLength(known, shape) : undefined;
  if (bytes === undefined) {
    throw new SafetensorsError(file, `expected a shape of non-negative integers, got ${quote(shape)}`, name);
  }
  return bytes;
}
