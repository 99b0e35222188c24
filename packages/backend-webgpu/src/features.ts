/** Optional features of WebGPU and WGSL: kernels use what is there, and do without what is not or what the caller excludes. */

/** Features of a device in WebGPU, and of the language in WGSL. */
export const optionalFeatures = ["shader-f16", "subgroups", "packed_4x8_integer_dot_product"] as const;
export type OptionalFeature = (typeof optionalFeatures)[number];

/** What kernels may use. */
export interface Features {
  /** `shader-f16`: products of two f16 operands are taken in f16. */
  readonly f16Arithmetic: boolean;
  readonly subgroups: boolean;
  /** WGSL has `dot4I8Packed`. */
  readonly packedDot: boolean;
}

/** The names of those in use, for people. */
export function describeFeatures({ f16Arithmetic, subgroups }: Features): string {
  const names = [...(f16Arithmetic ? ["f16 arithmetic"] : []), ...(subgroups ? ["subgroups"] : [])];
  return names.length === 0 ? "" : ` with ${names.join(" and ")}`;
}
