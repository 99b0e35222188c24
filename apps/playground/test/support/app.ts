/** The page as it is shipped: built into a temporary folder and served by `vite preview` with the headers of vite.config.ts. */
import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { preview } from "vite";

export const appFolder = fileURLToPath(new URL("../../", import.meta.url));

export interface ServedApp extends AsyncDisposable {
  readonly url: string;
}

/** A folder in the place of public/: without the example models that this checkout may have. */
export function plainPublicDir(): string {
  const folder = mkdtempSync(join(tmpdir(), "modernbert-public-"));
  copyFileSync(join(appFolder, "public/icon.svg"), join(folder, "icon.svg"));
  return folder;
}

/** @param publicDir Is removed at the end. */
export async function serveApp(publicDir: string = plainPublicDir()): Promise<ServedApp> {
  const outDir = mkdtempSync(join(tmpdir(), "modernbert-playground-"));
  await viteBuild(["--outDir", outDir, "--emptyOutDir"], publicDir);
  const server = await preview({
    root: appFolder,
    build: { outDir },
    preview: { port: 0, host: "127.0.0.1" },
    logLevel: "error",
  });
  return {
    url: server.resolvedUrls!.local[0]!,
    async [Symbol.asyncDispose]() {
      await server.close();
      for (const folder of [outDir, publicDir]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** In a process of its own: vitest's NODE_ENV would make a build for tests. */
export async function viteBuild(args: readonly string[], publicDir?: string): Promise<void> {
  const vite = join(dirname(createRequire(import.meta.url).resolve("vite/package.json")), "bin/vite.js");
  const env = { ...process.env, NODE_ENV: "production", ...(publicDir && { PLAYGROUND_PUBLIC: publicDir }) };
  await promisify(execFile)(process.execPath, [vite, "build", "--logLevel", "error", ...args], { cwd: appFolder, env });
}
