/**
 * What a user gets: the packed packages, installed by npm into an empty folder on a machine without a C compiler. Needs the built packages
 * (`dist`), a built library, and the npm registry for koffi.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { platformPackage } from "../src/engines/native/locate.ts";
import { describeNative, missing } from "./native.ts";

const packageFolder = fileURLToPath(new URL("../", import.meta.url));

function whyNot(): string | undefined {
  if (missing !== undefined || process.platform === "win32") return missing ?? "this test needs a POSIX shell";
  const { status, stderr } = spawnSync("npm", [
    "view",
    "koffi",
    "version",
    "--fetch-retries=0",
    "--fetch-timeout=10000",
  ]);
  return status === 0 ? undefined : `the npm registry cannot be reached: ${String(stderr).split("\n", 1)[0]}`;
}

const program = `
  import { createCpuBackend } from "@modernbert-ts/backend-cpu";
  const notices = [];
  const backend = await createCpuBackend({ threads: 1, onNotice: (notice) => notices.push(notice) }).catch((error) => error);
  if (backend instanceof Error) console.log(JSON.stringify({ error: backend.name, message: backend.message }));
  else {
    const view = (values) => {
      const buffer = backend.allocate(16);
      if (values) backend.write(buffer, new Float32Array(values));
      return { buffer, dtype: "f32", shape: [2, 2], strides: [2, 1], offset: 0 };
    };
    const product = view();
    backend.run("matmul", [product], [view([1, 2, 3, 4]), view([5, 6, 7, 8])], { alpha: 1, accumulate: false });
    const values = [...new Float32Array(await backend.read(product.buffer, 0, 16))];
    console.log(JSON.stringify({ device: backend.capabilities.device, values, notices }));
    await backend[Symbol.asyncDispose]();
  }
`;

describeNative(
  "packed and installed without a compiler",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "modernbert-packed-"));
    /** Node and a shell (npm runs install scripts in one): no compiler, no make, no Python. */
    const bin = join(folder, "bin");
    const env = { PATH: bin, HOME: process.env["HOME"], CC: "none" };
    const installed = join(folder, "node_modules", platformPackage);
    const run = (): unknown =>
      JSON.parse(execFileSync(process.execPath, ["main.mjs"], { cwd: folder, env, encoding: "utf8" }));

    beforeAll(() => {
      const npm = realpathSync(execFileSync("sh", ["-c", "command -v npm"], { encoding: "utf8" }).trim());
      const tarballs = join(folder, "tarballs");
      for (const made of [bin, tarballs]) mkdirSync(made);
      symlinkSync(process.execPath, join(bin, "node"));
      symlinkSync("/bin/sh", join(bin, "sh"));
      const platformFolder = execFileSync(process.execPath, ["scripts/platform-package.mjs"], {
        cwd: packageFolder,
        encoding: "utf8",
      });
      const pack = ["--yes", "pnpm@12", "pack", "--pack-destination", tarballs];
      const packages = ["backend-cpu", "device-kit", "tensor-core"].map((name) => join(packageFolder, "..", name));
      for (const cwd of [...packages, platformFolder.trim()]) execFileSync("npx", pack, { cwd, stdio: "pipe" });
      writeFileSync(join(folder, "package.json"), `{ "private": true }`);
      writeFileSync(join(folder, "main.mjs"), program);
      const packed = readdirSync(tarballs).map((name) => join(tarballs, name));
      execFileSync(process.execPath, [npm, "install", "--no-audit", "--no-fund", ...packed], {
        cwd: folder,
        env,
        stdio: "pipe",
      });
    }, 120_000);
    afterAll(() => rmSync(folder, { recursive: true }));

    test("the platform package's library runs, without a notice", () => {
      expect(run()).toEqual({
        device: expect.stringContaining("native engine"),
        values: [19, 22, 43, 50],
        notices: [],
      });
    });

    test("a broken library is an error, not another engine", () => {
      const name = readdirSync(installed).find((file) => file.startsWith("modernbert_cpu"))!;
      writeFileSync(join(installed, name), "not a library");
      expect(run()).toEqual({ error: "NativeLibraryError", message: expect.stringContaining("does not load") });
    });

    test("without the platform package another engine runs, with one notice that names the package", () => {
      rmSync(installed, { recursive: true });
      expect(run()).toEqual({
        device: expect.not.stringContaining("native"),
        values: [19, 22, 43, 50],
        notices: [expect.stringContaining(`install ${platformPackage}`)],
      });
    });
  },
  whyNot(),
);
