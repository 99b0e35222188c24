/**
 * Makes the package that brings the built library to machines without a compiler: strips build/<platform>/modernbert_cpu.node and
 * puts it with a manifest and a README into build/<platform>/package/, whose path it prints.
 *
 *   node scripts/build-native.mjs && node scripts/platform-package.mjs
 *
 * TARGET_PLATFORM, TARGET_ARCH and STRIP are for cross compiled libraries. On Linux the library must run with glibc 2.28, which is what Node needs:
 * see src/engines/native/c/runtime/glibc.h.
 */
import { fileURLToPath } from "node:url";
import { makePlatformPackage } from "@modernbert-ts/device-kit/native/platform-package.mjs";
import { platformPackage, platforms } from "./platforms.mjs";

const system = process.env.TARGET_PLATFORM ?? process.platform;
const platform = `${system}-${process.env.TARGET_ARCH ?? process.arch}`;
const fields = platforms[platform];
if (!fields) throw new Error(`expected one of ${Object.keys(platforms).join(", ")}, got ${platform}`);

const folder = makePlatformPackage({
  root: fileURLToPath(new URL("../", import.meta.url)),
  built: fileURLToPath(new URL(`../build/${platform}/`, import.meta.url)),
  fileName: "modernbert_cpu.node",
  name: platformPackage(platform),
  platform,
  fields,
  mostBytes: 10e6,
});
console.log(folder);
