/**
 * Makes the package that brings the built library to machines without a compiler: strips build/<platform>/modernbert_cpu.* and
 * puts it with a manifest and a README into build/<platform>/package/, whose path it prints.
 *
 *   node scripts/build-native.mjs && node scripts/platform-package.mjs
 *
 * TARGET_PLATFORM, TARGET_ARCH and STRIP are for cross compiled libraries. On Linux the library must run with glibc 2.28, which is what Node needs.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { platformPackage, platforms } from "./platforms.mjs";

const newestGlibc = 28;

const system = process.env.TARGET_PLATFORM ?? process.platform;
const platform = `${system}-${process.env.TARGET_ARCH ?? process.arch}`;
const fields = platforms[platform];
if (!fields) throw new Error(`expected one of ${Object.keys(platforms).join(", ")}, got ${platform}`);

const built = fileURLToPath(new URL(`../build/${platform}/`, import.meta.url));
const fileName = readdirSync(built).find((name) => /^modernbert_cpu\.(so|dylib|dll)$/.test(name));
if (!fileName)
  throw new Error(`expected a library in ${built}, found none: run node scripts/build-native.mjs with a C compiler`);

const folder = join(built, "package");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const library = join(folder, fileName);
copyFileSync(join(built, fileName), library);
copyFileSync(fileURLToPath(new URL("../../../LICENSE", import.meta.url)), join(folder, "LICENSE"));
execFileSync(process.env.STRIP ?? "strip", [system === "darwin" ? "-x" : "--strip-unneeded", library]);
if (system === "linux") checkGlibc(library);

const { version, license, engines, repository } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
);
const name = platformPackage(platform);
const manifest = {
  name,
  version,
  description: `The native library of @modernbert-ts/backend-cpu for ${platform}.`,
  license,
  repository,
  files: [fileName],
  preferUnplugged: true,
  ...fields,
  engines,
};
writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
writeFileSync(
  join(folder, "README.md"),
  `# ${name}\n\nThe native library of [@modernbert-ts/backend-cpu](https://www.npmjs.com/package/@modernbert-ts/backend-cpu) for ${platform}.\nInstall that package: it names this one as an optional dependency, and your package manager takes the one that fits.\n`,
);
console.log(folder);

/** Symbol versions stand as text in the library; a newer one than Node itself needs would shut out systems on which Node runs. */
function checkGlibc(path) {
  const minors = [...readFileSync(path, "latin1").matchAll(/GLIBC_2\.(\d+)/g)].map((match) => Number(match[1]));
  const needed = Math.max(...minors);
  if (needed > newestGlibc)
    throw new Error(
      `expected symbols of glibc 2.${newestGlibc} at most, got 2.${needed}: see src/engines/native/c/runtime/glibc.h (objdump -T)`,
    );
}
