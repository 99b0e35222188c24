/** Values of MDS columns, by the names of their encodings. What this package has no use for (images, pickles) stays bytes. */
import { DataError } from "../../../errors.ts";

/** Bytes of one value to the value. */
type Decode = (bytes: Buffer) => unknown;

const scalars: Readonly<Record<string, Decode>> = {
  uint8: (bytes) => bytes.readUInt8(0),
  int8: (bytes) => bytes.readInt8(0),
  uint16: (bytes) => bytes.readUInt16LE(0),
  int16: (bytes) => bytes.readInt16LE(0),
  uint32: (bytes) => bytes.readUInt32LE(0),
  int32: (bytes) => bytes.readInt32LE(0),
  uint64: (bytes) => Number(bytes.readBigUInt64LE(0)),
  int64: (bytes) => Number(bytes.readBigInt64LE(0)),
  int: (bytes) => Number(bytes.readBigInt64LE(0)),
  float32: (bytes) => bytes.readFloatLE(0),
  float64: (bytes) => bytes.readDoubleLE(0),
};

const values: Readonly<Record<string, Decode>> = {
  ...scalars,
  str_int: (bytes) => Number(bytes.toString("utf8")),
  str_float: (bytes) => Number(bytes.toString("utf8")),
  json: (bytes) => JSON.parse(bytes.toString("utf8")) as unknown,
};

/** The number that stands for a dtype in arrays that carry their own. */
const dtypeCodes: Readonly<Record<number, string>> = {
  8: "uint8",
  9: "int8",
  16: "uint16",
  17: "int16",
  32: "uint32",
  33: "int32",
  34: "float32",
  64: "uint64",
  65: "int64",
  66: "float64",
};

const bytesOf: Readonly<Record<string, number>> = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  uint64: 8,
  int64: 8,
  float64: 8,
};

/** @param encoding As in index.json: "str", "int", "ndarray:uint16", … @param text bytes to text. */
export function mdsColumn(encoding: string, text: (bytes: Buffer) => string): Decode {
  const [name, dtype, shape] = encoding.split(":");
  if (name === "str") return text;
  if (name === "ndarray") return (bytes) => arrayOf(bytes, dtype, shape !== undefined);
  return values[name!] ?? ((bytes) => bytes);
}

/** Numbers in their order, whatever the shape; dtype and shape stand before them where the encoding leaves them open. */
function arrayOf(bytes: Buffer, fixed: string | undefined, hasShape: boolean): number[] {
  let at = 0;
  const dtype = fixed || dtypeCodes[bytes[at++]!];
  if (!hasShape) {
    const shape = bytes[at++] ?? 0;
    at += (shape >> 2) * 2 ** (shape & 3);
  }
  const decode = dtype === undefined ? undefined : scalars[dtype];
  if (!decode || bytes.length < at)
    throw new DataError("invalid", "mds", `expected an array of integers or floats, got dtype ${dtype ?? "unknown"}`);
  const size = bytesOf[dtype!]!;
  return Array.from({ length: Math.floor((bytes.length - at) / size) }, (_, index) =>
    Number(decode(bytes.subarray(at + index * size))),
  );
}
