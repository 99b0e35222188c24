/**
 * Changes manifests while they are packed. Backends with a native library name its platform packages only there: they are made by the release,
 * so in the repository they cannot be resolved.
 */
import * as cpu from "./packages/backend-cpu/scripts/platforms.mjs";
import * as cuda from "./packages/backend-cuda/scripts/platforms.mjs";

const libraries = { "@modernbert-ts/backend-cpu": cpu, "@modernbert-ts/backend-cuda": cuda };

export const hooks = {
  beforePacking(manifest) {
    if (!Object.hasOwn(libraries, manifest.name)) return manifest;
    const { platforms, platformPackage } = libraries[manifest.name];
    const entries = Object.keys(platforms).map((platform) => [platformPackage(platform), manifest.version]);
    return { ...manifest, optionalDependencies: Object.fromEntries(entries) };
  },
};
