/** What a device has of the optional features. */
import type { Features, OptionalFeature } from "./features.ts";

/** Features that must be asked for when a device is made. */
const ofDevice = ["shader-f16", "subgroups"] as const satisfies readonly GPUFeatureName[];

/** What to ask an adapter for: all that it has of them. */
export function featuresToRequest({ features }: GPUAdapter): GPUFeatureName[] {
  return ofDevice.filter((name) => features.has(name));
}

/** @param language Undefined where nothing is known of it: then only WGSL's first version is used. */
export function featuresOf(
  { features }: GPUDevice,
  language: WGSLLanguageFeatures | undefined,
  without: readonly OptionalFeature[],
): Features {
  const uses = (name: OptionalFeature, has: boolean): boolean => has && !without.includes(name);
  const packed = "packed_4x8_integer_dot_product";
  return {
    f16Arithmetic: uses("shader-f16", features.has("shader-f16")),
    subgroups: uses("subgroups", features.has("subgroups")),
    packedDot: uses(packed, language?.has(packed) ?? false),
  };
}
