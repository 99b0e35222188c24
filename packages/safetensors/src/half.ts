/**
 * float16 and bfloat16 to float32 and back, on raw bits, rounding to nearest with ties to even (IEEE 754).
 * JavaScript on Node 20 has no Float16Array, and bfloat16 has none anywhere. NaN stays NaN, with its sign.
 */

const scratch = new DataView(new ArrayBuffer(4));

const float16Bits = (value: number): number => {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff); // NaN, made quiet
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520 and above round to infinity
  if (magnitude < 0x38800000) {
    // Below 2^-14 the result counts units of 2^-24; the division is exact, only the rounding to an integer is not.
    const units = Math.abs(value) * 2 ** 24;
    const floor = Math.floor(units);
    const rest = units - floor;
    return sign | (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor);
  }
  const rebiased = magnitude - ((127 - 15) << 23);
  return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
};

const bfloat16Bits = (bits: number): number => {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40; // NaN, made quiet
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
};

/** Raw float16 bits to float32, exact; `target` (same length) is filled and returned. */
export function float16ToFloat32(
  bits: Uint16Array,
  target: Float32Array = new Float32Array(bits.length),
): Float32Array {
  const out = new Uint32Array(target.buffer, target.byteOffset, bits.length);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i]!;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) target[i] = (sign === 0 ? 1 : -1) * fraction * 2 ** -24;
    else out[i] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
  }
  return target;
}

/** float32 to raw float16 bits, to nearest even; 65520 and above become infinity. `target` (same length) is filled and returned. */
export function float32ToFloat16(
  values: Float32Array,
  target: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  for (let i = 0; i < values.length; i++) target[i] = float16Bits(values[i]!);
  return target;
}

/** Raw bfloat16 bits to float32, exact; `target` (same length) is filled and returned. */
export function bfloat16ToFloat32(
  bits: Uint16Array,
  target: Float32Array = new Float32Array(bits.length),
): Float32Array {
  const out = new Uint32Array(target.buffer, target.byteOffset, bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = bits[i]! << 16;
  return target;
}

/** float32 to raw bfloat16 bits, to nearest even. `target` (same length) is filled and returned. */
export function float32ToBfloat16(
  values: Float32Array,
  target: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) target[i] = bfloat16Bits(bits[i]!);
  return target;
}
