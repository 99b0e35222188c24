/**
 * Makes the package that brings the library for GPUs to machines without nvcc: strips build/linux-x64/modernbert_cuda.node and puts it with a
 * manifest and a README into build/linux-x64/package/, whose path it prints.
 *
 *   node scripts/build-native.mjs --cuda && node scripts/platform-package.mjs
 *
 * `--from DIR` takes the library from elsewhere, `--any-glibc` takes one that needs a newer system than Node does: both for tests.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makePlatformPackage } from "@modernbert-ts/device-kit/native/platform-package.mjs";
import { platformPackage, platforms } from "./platforms.mjs";

const { values: options } = parseArgs({ options: { from: { type: "string" }, "any-glibc": { type: "boolean" } } });
const platform = "linux-x64";
const folder = makePlatformPackage({
  root: fileURLToPath(new URL("../", import.meta.url)),
  built: options.from ?? fileURLToPath(new URL(`../build/${platform}/`, import.meta.url)),
  fileName: "modernbert_cuda.node",
  name: platformPackage(platform),
  platform,
  fields: platforms[platform],
  checked: !options["any-glibc"],
  mostBytes: 30e6,
});
console.log(folder);
