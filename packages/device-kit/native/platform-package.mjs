/** Makes a package that brings a built library to machines that cannot build it. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What Node itself needs: a newer one would shut out systems on which Node runs. The second is that of a system with the first. */
const newest = { GLIBC_2: 28, "GLIBCXX_3.4": 25 };

/**
 * Strips `built/fileName` and puts it with a manifest and a README into built/package, whose path it returns.
 * @param options root: the folder of the package that takes the library; name: of the new one; platform: `linux-x64` and the like, with its
 *   fields for the manifest; checked: whether to refuse a Linux library that needs newer systems than Node does; mostBytes: of the library.
 */
export function makePlatformPackage({ root, built, fileName, name, platform, fields, checked = true, mostBytes }) {
  if (!existsSync(join(built, fileName)))
    throw new Error(`expected ${fileName} in ${built}, found none: build it first`);
  const folder = join(built, "package");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const library = join(folder, fileName);
  copyFileSync(join(built, fileName), library);
  copyFileSync(join(root, "..", "..", "LICENSE"), join(folder, "LICENSE"));
  const darwin = platform.startsWith("darwin");
  execFileSync(process.env.STRIP ?? "strip", [darwin ? "-x" : "--strip-unneeded", library]);
  if (checked && platform.startsWith("linux")) checkVersions(library, platform.endsWith("-musl"));
  const bytes = statSync(library).size;
  if (bytes > mostBytes) throw new Error(`expected at most ${mostBytes} bytes, got ${bytes} of ${library}`);

  const taker = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { version, license, engines, repository } = taker;
  const manifest = {
    name,
    version,
    description: `The native library of ${taker.name} for ${platform}.`,
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
    `# ${name}\n\nThe native library of [${taker.name}](https://www.npmjs.com/package/${taker.name}) for ${platform}.\nInstall that package: it names this one as an optional dependency, and your package manager takes the one that fits.\n`,
  );
  return folder;
}

/** Versions of symbols stand as text in the library. Those of musl have none. */
function checkVersions(path, musl) {
  const text = readFileSync(path, "latin1");
  for (const [prefix, most] of Object.entries(newest)) {
    const found = [...text.matchAll(new RegExp(`${prefix.replace(".", "\\.")}\\.(\\d+)`, "g"))].map((match) =>
      Number(match[1]),
    );
    const needed = Math.max(0, ...found);
    if (musl && found.length > 0)
      throw new Error(`expected a library for musl, got symbols of ${prefix}.${needed}: build with CC=musl-gcc`);
    if (needed > most) {
      throw new Error(
        `expected symbols of ${prefix}.${most} at most, got ${prefix}.${needed}: build on an older system (objdump -T says which)`,
      );
    }
  }
}
