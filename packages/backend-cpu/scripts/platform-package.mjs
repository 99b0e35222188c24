/**
 * Makes the package that brings the built library to machines without a compiler: strips build/<target>/modernbert_cpu.node and
 * puts it with a manifest and a README into build/<target>/package/, whose path it prints.
 *
 *   node scripts/build-native.mjs && node scripts/platform-package.mjs
 *
 * TARGET_PLATFORM, TARGET_ARCH, TARGET_LIBC and STRIP are for cross compiled libraries. On Linux the library must run with glibc 2.28, which is
 * what Node needs (src/engines/native/c/runtime/glibc.h), or with musl, which knows no versions of symbols.
 */
import { fileURLToPath } from "node:url";
import { makePlatformPackage } from "@modernbert-ts/device-kit/native/platform-package.mjs";
import { platformPackage, platforms } from "./platforms.mjs";
import { target } from "./target.mjs";

const fields = platforms[target];
if (!fields) throw new Error(`expected one of ${Object.keys(platforms).join(", ")}, got ${target}`);

const folder = makePlatformPackage({
  root: fileURLToPath(new URL("../", import.meta.url)),
  built: fileURLToPath(new URL(`../build/${target}/`, import.meta.url)),
  fileName: "modernbert_cpu.node",
  name: platformPackage(target),
  platform: target,
  fields,
  mostBytes: 10e6,
});
console.log(folder);
