/**
 * How shaders read and write elements of each dtype. f32, i32 and u32 are what they are; f16 and bf16 lie two in a u32 and are
 * converted by integer arithmetic, exactly. Neighbours in one word may be written by different threads, so their writes are two
 * atomic operations on disjoint bits: the result does not depend on the order.
 */
import type { DType } from "@modernbert-ts/tensor-core";
import { UnsupportedError } from "@modernbert-ts/tensor-core";

/** The dtypes that WGSL can hold. */
export type DeviceDType = Exclude<DType, "f64">;

export function deviceDType(operation: string, dtype: DType): DeviceDType {
  if (dtype === "f64")
    throw new UnsupportedError(operation, "expected f32, f16, bf16, i32 or u32, got f64: WebGPU has no doubles");
  return dtype;
}

export function isPacked(dtype: DeviceDType): dtype is "f16" | "bf16" {
  return dtype === "f16" || dtype === "bf16";
}

/** The WGSL type that an element is computed in. */
export function valueType(dtype: DeviceDType): "f32" | "i32" | "u32" {
  return isPacked(dtype) ? "f32" : dtype;
}

/** The element type of the storage array behind a binding. */
export function storageType(dtype: DeviceDType, writes: boolean): string {
  if (isPacked(dtype)) return writes ? "atomic<u32>" : "u32";
  return dtype;
}

/** `load_NAME(i)` gives element i as `valueType`. */
export function loadFunction(name: string, dtype: DeviceDType, writes = false): string {
  const type = valueType(dtype);
  if (!isPacked(dtype)) return `fn load_${name}(i: u32) -> ${type} { return ${name}[i]; }`;
  const word = writes ? `atomicLoad(&${name}[i >> 1u])` : `${name}[i >> 1u]`;
  return `fn load_${name}(i: u32) -> f32 { return ${dtype}_decode((${word} >> ((i & 1u) * 16u)) & 0xffffu); }`;
}

/** `store_NAME(i, v)` rounds v to the dtype. */
export function storeFunction(name: string, dtype: DeviceDType): string {
  const type = valueType(dtype);
  if (!isPacked(dtype)) return `fn store_${name}(i: u32, v: ${type}) { ${name}[i] = v; }`;
  return `fn store_${name}(i: u32, v: f32) { ${storePacked(name, `${dtype}_encode(v)`)} }`;
}

/** `load_NAME(i)` gives the bits of element i. The binding's type must be `rawType(dtype)`. */
export function loadBits(name: string, dtype: DeviceDType): string {
  const text = isPacked(dtype) ? `(${name}[i >> 1u] >> ((i & 1u) * 16u)) & 0xffffu` : `${name}[i]`;
  return `fn load_${name}(i: u32) -> u32 { return ${text}; }`;
}

export function storeBits(name: string, dtype: DeviceDType): string {
  const text = isPacked(dtype) ? storePacked(name, "v") : `${name}[i] = v;`;
  return `fn store_${name}(i: u32, v: u32) { ${text} }`;
}

export function rawType(dtype: DeviceDType, writes: boolean): string {
  return isPacked(dtype) && writes ? "atomic<u32>" : "u32";
}

function storePacked(name: string, bits: string): string {
  return `let shift = (i & 1u) * 16u; atomicAnd(&${name}[i >> 1u], 0xffff0000u >> shift); atomicOr(&${name}[i >> 1u], (${bits}) << shift);`;
}

/** The element type of a binding seen as groups of four elements. */
export function quadType(dtype: DeviceDType): string {
  return isPacked(dtype) ? "vec2u" : `vec4<${dtype}>`;
}

/**
 * `load4_NAME(i)` gives elements 4i … 4i + 3 of a binding of type `quadType`.
 * @param exact Keeps f16 below the normal numbers, which the device's own conversion may take for 0.
 */
export function loadQuad(name: string, dtype: DeviceDType, exact = false): string {
  const f16 = exact
    ? "f16_decode(w.x & 0xffffu), f16_decode(w.x >> 16u), f16_decode(w.y & 0xffffu), f16_decode(w.y >> 16u)"
    : "unpack2x16float(w.x), unpack2x16float(w.y)";
  const words: Readonly<Record<string, string>> = {
    f16: `let w = NAME[i]; return vec4f(${f16});`,
    bf16: "let w = NAME[i].xxyy; return bitcast<vec4f>(select(w & vec4u(0xffff0000u), w << vec4u(16u), vec4(true, false, true, false)));",
  };
  const body = (words[dtype] ?? "return vec4f(NAME[i]);").replace("NAME", name);
  return `fn load4_${name}(i: u32) -> vec4f { ${body} }`;
}

/** `store4_NAME(i, v)` rounds and stores elements 4i … 4i + 3. */
export function storeQuad(name: string, dtype: DeviceDType): string {
  const pair = (low: string, high: string): string => `${dtype}_encode(v.${low}) | (${dtype}_encode(v.${high}) << 16u)`;
  const value = isPacked(dtype) ? `vec2u(${pair("x", "y")}, ${pair("z", "w")})` : `vec4<${dtype}>(v)`;
  return `fn store4_${name}(i: u32, v: vec4f) { ${name}[i] = ${value}; }`;
}
