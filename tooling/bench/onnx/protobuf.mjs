/** The little of the protocol-buffers wire format that writing an ONNX file takes: varints, length-delimited fields, floats. */

const encoder = new TextEncoder();

/** @param {number | bigint} value @returns {number[]} */
function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

/** @param {number} number @param {number | bigint} value */
export const int = (number, value) => Uint8Array.from([...varint(number * 8), ...varint(value)]);

/** @param {number} number @param {number} value */
export function float(number, value) {
  const bytes = new Uint8Array(5);
  bytes[0] = number * 8 + 5;
  new DataView(bytes.buffer).setFloat32(1, value, true);
  return bytes;
}

/** A string, bytes or an embedded message (a list of encoded fields). @param {number} number @param {string | Uint8Array | Uint8Array[]} value */
export function field(number, value) {
  const body = typeof value === "string" ? encoder.encode(value) : Array.isArray(value) ? join(value) : value;
  return join([Uint8Array.from([...varint(number * 8 + 2), ...varint(body.length)]), body]);
}

/** @param {Uint8Array[]} parts */
export function join(parts) {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
