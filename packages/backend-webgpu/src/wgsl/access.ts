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

/** `store2_NAME(i, a, b)` rounds and stores elements i and i + 1 of a packed dtype, i even: a whole word, which no other thread writes. */
export function storePair(name: string, dtype: DeviceDType): string {
  const word = `${dtype}_encode(a) | (${dtype}_encode(b) << 16u)`;
  return `fn store2_${name}(i: u32, a: f32, b: f32) { atomicStore(&${name}[i >> 1u], ${word}); }`;
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

/**
 * How a binding is seen in groups of four. f16 are widened by the device's own conversion, which may take those below the normal numbers
 * for 0; `exact quads` keep them, and `f16 quads` are read in WGSL's own f16, which needs `shader-f16`.
 */
export type QuadAccess = "quads" | "exact quads" | "f16 quads";

/** The element type of a binding seen as groups of four elements. What is written is words. */
export function quadType(dtype: DeviceDType, access: QuadAccess, writes: boolean): string {
  if (dtype === "f16" && access === "f16 quads" && !writes) return "vec4<f16>";
  return isPacked(dtype) ? "vec2u" : `vec4<${dtype}>`;
}

const f16Quads: Readonly<Record<QuadAccess, string>> = {
  quads: "let w = NAME[i]; return vec4f(unpack2x16float(w.x), unpack2x16float(w.y));",
  "exact quads":
    "let w = NAME[i]; return vec4f(f16_decode(w.x & 0xffffu), f16_decode(w.x >> 16u), f16_decode(w.y & 0xffffu), f16_decode(w.y >> 16u));",
  "f16 quads": "return vec4f(NAME[i]);",
};

/** `load4_NAME(i)` gives elements 4i … 4i + 3 of a read-only binding of type `quadType`, or of one of `quads`. */
export function loadQuad(name: string, dtype: DeviceDType, access: QuadAccess = "quads"): string {
  const bf16 =
    "let w = NAME[i].xxyy; return bitcast<vec4f>(select(w & vec4u(0xffff0000u), w << vec4u(16u), vec4(true, false, true, false)));";
  const body = dtype === "f16" ? f16Quads[access] : dtype === "bf16" ? bf16 : "return vec4f(NAME[i]);";
  return `fn load4_${name}(i: u32) -> vec4f { ${body.replace("NAME", name)} }`;
}

/** Loads of f16 that stay f16: `load4_NAME(i)` of `f16 quads`, or `load_NAME(i)` of elements. */
export function loadHalf(name: string, quads: boolean): string {
  if (quads) return `fn load4_${name}(i: u32) -> vec4h { return ${name}[i]; }`;
  return `fn load_${name}(i: u32) -> f16 { return bitcast<vec2h>(${name}[i >> 1u])[i & 1u]; }`;
}

/** The types that a shader's products are taken in. Sums of them are f32. */
export function numberTypes(half: boolean): string {
  return half ? "alias Number = f16;\nalias Quad = vec4h;" : "alias Number = f32;\nalias Quad = vec4f;";
}

/** `store4_NAME(i, v)` rounds and stores elements 4i … 4i + 3. */
export function storeQuad(name: string, dtype: DeviceDType): string {
  const pair = (low: string, high: string): string => `${dtype}_encode(v.${low}) | (${dtype}_encode(v.${high}) << 16u)`;
  const value = isPacked(dtype) ? `vec2u(${pair("x", "y")}, ${pair("z", "w")})` : `vec4<${dtype}>(v)`;
  return `fn store4_${name}(i: u32, v: vec4f) { ${name}[i] = ${value}; }`;
}
