/** Where the native library is: one that was built here, else the package for this platform. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { familySync } from "detect-libc";

/** As scripts/target.mjs has it. */
const musl = process.platform === "linux" && familySync() === "musl";
const target = `${process.platform}-${process.arch}${musl ? "-musl" : ""}`;
const fileName = "modernbert_cpu.node";

/** The package that brings the library for this platform, an optional dependency of the published package. */
export const platformPackage: string = `@modernbert-ts/backend-cpu-${target}`;

/**
 * The library's path, undefined when this machine has none. MODERNBERT_CPU_LIBRARY comes first and is not checked here: a wrong path
 * fails when it is loaded.
 */
export function findNativeLibrary(): string | undefined {
  const asked = process.env["MODERNBERT_CPU_LIBRARY"];
  if (asked) return asked;
  const built = fileURLToPath(new URL(`../../../build/${target}/${fileName}`, import.meta.url));
  if (existsSync(built)) return built;
  try {
    return createRequire(import.meta.url).resolve(`${platformPackage}/${fileName}`);
  } catch {
    return undefined;
  }
}
