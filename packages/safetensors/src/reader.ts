/**
 * Random access to one file or to the shards of one checkpoint: headers first, then only the bytes of the tensors asked for,
 * straight into the caller's array. A source is anything that can fill memory from an offset: a file, a Blob, HTTP ranges.
 */

import { bytesToFloat32, bytesToInt32, knownDType, type Origin } from "./convert.ts";
import { bytesPerElement, tensorFromBytes, type TensorData } from "./dtypes.ts";
import { SafetensorsError } from "./errors.ts";
import { parseHeader, parseHeaderLength, prefixBytes, type Header, type TensorInfo } from "./header.ts";

/** Bytes with random access. */
export interface ByteSource {
  /** Names the source in errors; for a shard, the file name that the index uses. */
  readonly name: string;
  /** Total bytes. */
  readonly size: number;
  /** Of a file that this process has open: whoever maps it finds the same bytes. */
  readonly descriptor?: number;
  /** Fills `target` with the bytes from `offset`; rejects when there are not that many. */
  readInto(offset: number, target: Uint8Array): Promise<void>;
  close?(): Promise<void>;
}

/** An open checkpoint. Of every call that names a tensor: @throws SafetensorsError where the checkpoint lacks it. */
export interface SafetensorsReader extends AsyncDisposable {
  /** Of the first shard, where there are several. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The tensors' names, in the order of the files. */
  names(): readonly string[];
  has(name: string): boolean;
  /** Dtype, shape and place of a tensor; nothing is read. */
  info(name: string): TensorInfo;
  /** Where the tensor lies, at its `byteOffset`. */
  source(name: string): ByteSource;
  /** The tensor in its own dtype, in new memory. @throws SafetensorsError on a dtype that this package does not know. */
  read(name: string): Promise<TensorData>;
  /** The tensor's raw bytes, of any dtype, into `target`. @throws SafetensorsError when its byte length is not the tensor's. */
  readInto(name: string, target: ArrayBufferView): Promise<void>;
  /** F32, F64, F16, BF16 or float8 as float32, into `target` (one element each) or new memory. @throws SafetensorsError on other dtypes. */
  readFloat32(name: string, target?: Float32Array): Promise<Float32Array>;
  /** Any integer dtype (or BOOL) as int32. @throws SafetensorsError on other dtypes, and on a value beyond int32. */
  readInt32(name: string): Promise<Int32Array>;
  close(): Promise<void>;
}

/** Elements converted at a time where the file's dtype is not float32: bounds the extra memory. */
const conversionElements = 1 << 20;

/**
 * Opens one source, or several as one checkpoint. `shardOf` says which source holds a tensor (the index file's `weight_map`);
 * without it every tensor of every source counts, each name once. Closing the reader closes the sources.
 * @throws SafetensorsError on a malformed header, a name in two sources, and a tensor that is not where `shardOf` says.
 */
export async function openSources(
  sources: readonly ByteSource[],
  shardOf?: ReadonlyMap<string, string>,
): Promise<SafetensorsReader> {
  const located = new Map<string, { source: ByteSource; info: TensorInfo }>();
  let metadata: Header["metadata"] = {};
  for (const source of sources) {
    const header = await readHeader(source);
    if (source === sources[0]) metadata = header.metadata;
    for (const [name, info] of header.tensors) {
      if (shardOf !== undefined && shardOf.get(name) !== source.name) continue;
      if (located.has(name))
        throw new SafetensorsError(
          source.name,
          `expected it in one shard, got it in ${located.get(name)!.source.name} too`,
          name,
        );
      located.set(name, { source, info });
    }
  }
  for (const [name, shard] of shardOf ?? []) {
    if (!located.has(name))
      throw new SafetensorsError(
        shard,
        "expected it in this shard, as the index says, got no tensor of that name",
        name,
      );
  }
  return createReader(located, metadata, sources);
}

/** New memory for as much as a file says that it holds. */
function allocate<T>(ArrayType: new (length: number) => T, length: number, origin: Origin): T {
  try {
    return new ArrayType(length);
  } catch (cause) {
    const problem = `expected a tensor that fits in memory, got ${length} elements of ${ArrayType.name}`;
    throw new SafetensorsError(origin.file, problem, origin.tensor, { cause });
  }
}

async function readHeader(source: ByteSource): Promise<Header> {
  const prefix = new Uint8Array(Math.min(prefixBytes, source.size));
  await source.readInto(0, prefix);
  const json = new Uint8Array(parseHeaderLength(prefix, source.size, source.name));
  await source.readInto(prefixBytes, json);
  return parseHeader(json, source.size, source.name);
}

function createReader(
  located: ReadonlyMap<string, { source: ByteSource; info: TensorInfo }>,
  metadata: Header["metadata"],
  sources: readonly ByteSource[],
): SafetensorsReader {
  const find = (name: string): { source: ByteSource; info: TensorInfo } => {
    const found = located.get(name);
    if (found !== undefined) return found;
    const files = sources.map((source) => source.name).join(", ");
    throw new SafetensorsError(files, "expected it in the file, got no tensor of that name", name);
  };
  const readBytes = async (name: string): Promise<Uint8Array> => {
    const { source, info } = find(name);
    const bytes = allocate(Uint8Array, info.byteLength, { file: source.name, tensor: name });
    await source.readInto(info.byteOffset, bytes);
    return bytes;
  };
  const expectSize = (name: string, unit: string, expected: number, actual: number): void => {
    if (actual === expected) return;
    throw new SafetensorsError(find(name).source.name, `expected a target of ${expected} ${unit}, got ${actual}`, name);
  };
  const close = async (): Promise<void> => {
    for (const source of sources) await source.close?.();
  };
  return {
    metadata,
    names: () => [...located.keys()],
    has: (name) => located.has(name),
    info: (name) => find(name).info,
    source: (name) => find(name).source,
    async read(name) {
      const { source, info } = find(name);
      const dtype = knownDType(info.dtype, { file: source.name, tensor: name });
      return tensorFromBytes(dtype, info.shape, await readBytes(name));
    },
    async readInto(name, target) {
      const { source, info } = find(name);
      expectSize(name, "bytes", info.byteLength, target.byteLength);
      await source.readInto(info.byteOffset, new Uint8Array(target.buffer, target.byteOffset, target.byteLength));
    },
    async readFloat32(name, given) {
      const { source, info } = find(name);
      const origin = { file: source.name, tensor: name };
      const dtype = knownDType(info.dtype, origin);
      const size = bytesPerElement(dtype);
      const count = info.byteLength / size;
      const target = given ?? allocate(Float32Array, count, origin);
      expectSize(name, "elements", count, target.length);
      if (dtype === "F32") {
        await source.readInto(info.byteOffset, new Uint8Array(target.buffer, target.byteOffset, target.byteLength));
        return target;
      }
      for (let start = 0; start < count; start += conversionElements) {
        const part = target.subarray(start, start + conversionElements);
        const bytes = new Uint8Array(part.length * size);
        await source.readInto(info.byteOffset + start * size, bytes);
        bytesToFloat32(dtype, bytes, part, origin);
      }
      return target;
    },
    async readInt32(name) {
      const { source, info } = find(name);
      const origin = { file: source.name, tensor: name };
      return bytesToInt32(knownDType(info.dtype, origin), await readBytes(name), origin);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
