/** Packs what a user of pipelines, the command line, the server and the trainer installs, with the native library of this machine and empty packages for the other platforms. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..", "..");

/** scripts/platforms.mjs of a backend. */
interface Platforms {
  readonly platforms: Readonly<Record<string, object>>;
  platformPackage(platform: string): string;
}
const platformsOf = (backend: string): Promise<Platforms> =>
  import(pathToFileURL(join(root, "packages", backend, "scripts", "platforms.mjs")).href) as Promise<Platforms>;
const pnpm = ["--yes", "pnpm@12"];

const run = (command: string, args: readonly string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** @param folder Where the tarballs go, and beside them what they are made of. */
export async function packAll(folder: string): Promise<string> {
  const [cpu, cuda] = await Promise.all([platformsOf("backend-cpu"), platformsOf("backend-cuda")]);
  const tarballs = join(folder, "tarballs");
  mkdirSync(tarballs);
  const pack = ["pack", "--pack-destination", tarballs];
  const installed = ["cli", "server", "trainer"].flatMap((name) => ["--filter-prod", `@modernbert-ts/${name}...`]);
  run("npx", [...pnpm, "-r", ...installed, ...pack], root);
  const backend = join(root, "packages", "backend-cpu");
  const here = `${process.platform}-${process.arch}`;
  run("npx", [...pnpm, ...pack], run(process.execPath, ["scripts/platform-package.mjs"], backend).trim());
  for (const { platforms, platformPackage } of [cpu, cuda])
    for (const [platform, fields] of Object.entries(platforms)) {
      const name = platformPackage(platform);
      if (name === cpu.platformPackage(here)) continue;
      const made = join(folder, name);
      mkdirSync(made, { recursive: true });
      writeFileSync(join(made, "package.json"), JSON.stringify({ name, version: "0.0.0", ...fields }));
      run("npm", ["pack", "--silent", "--pack-destination", tarballs], made);
    }
  return tarballs;
}
