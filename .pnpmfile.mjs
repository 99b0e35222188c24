/**
 * Changes manifests while they are packed. The CPU backend names its platform packages only there: they are made by the release, so in
 * the repository they cannot be resolved.
 */
import { platformPackage, platforms } from "./packages/backend-cpu/scripts/platforms.mjs";

export const hooks = {
  beforePacking(manifest) {
    if (manifest.name !== "@modernbert-ts/backend-cpu") return manifest;
    const entries = Object.keys(platforms).map((platform) => [platformPackage(platform), manifest.version]);
    return { ...manifest, optionalDependencies: Object.fromEntries(entries) };
  },
};
