/**
 * The library for GPUs: built by nvcc, it loads in Node without a driver and says what is missing; and so it does packed and installed by
 * npm into an empty folder. In `npm run check:cuda` only.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createCudaBackend, CudaUnavailableError } from "../src/index.ts";
import { platformPackage } from "../src/locate.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const skipped =
  (process.env.MODERNBERT_CHECK_CUDA !== "1" && "it takes minutes: npm run check:cuda runs it") ||
  (platformPackage === undefined && "the library is for Linux on x64") ||
  (spawnSync("nvcc", ["--version"]).status !== 0 && "there is no nvcc");

/** Of one target, which is enough here. */
const built = join(root, "build", "sm_90a");

const script = (name: string, ...options: readonly string[]): string =>
  execFileSync(process.execPath, [`scripts/${name}.mjs`, ...options], { cwd: root, encoding: "utf8" });

beforeAll(() => {
  if (!skipped) script("build-native", "--cuda", "--targets", "sm_90a", "--out", built);
}, 600_000);

beforeEach(({ skip }) => {
  if (skipped) skip(skipped);
});

/** What a machine without a driver, a GPU or cuBLASLt says. */
const missing = /^\[createCudaBackend\] .*(driver|GPU|CUDA|cuBLASLt).*: (install|look)/;

test("loads with or without a driver", async () => {
  vi.stubEnv("MODERNBERT_CUDA_LIBRARY", join(built, "modernbert_cuda.node"));
  onTestFinished(() => void vi.unstubAllEnvs());
  const made = await createCudaBackend({ emulate: false }).catch((error: unknown) => error);
  if (made instanceof Error) {
    expect(made).toBeInstanceOf(CudaUnavailableError);
    expect(made.message).toMatch(missing);
    return;
  }
  const backend = made as Awaited<ReturnType<typeof createCudaBackend>>;
  expect(backend.capabilities.device).toMatch(/^CUDA device 0, .*sm_.*cuBLASLt/);
  await backend[Symbol.asyncDispose]();
});

const program = `
  import { createCudaBackend } from "@modernbert-ts/backend-cuda";
  try {
    const backend = await createCudaBackend();
    console.log(backend.capabilities.device);
    await backend[Symbol.asyncDispose]();
  } catch (error) {
    console.log(error.name + " " + error.message);
  }
`;

describe("packed and installed", () => {
  const folder = mkdtempSync(join(tmpdir(), "modernbert-cuda-packed-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (): string => {
    const env = { PATH: "/nowhere", HOME: folder };
    return execFileSync(process.execPath, ["main.mjs"], { cwd: folder, env, encoding: "utf8" }).trim();
  };
  const installed = join(folder, "node_modules", platformPackage ?? "");

  beforeAll(() => {
    if (skipped) return;
    const tarballs = join(folder, "tarballs");
    mkdirSync(tarballs);
    const made = script("platform-package", "--from", built, "--any-glibc").trim();
    const packages = ["backend-cuda", "backend-tfjs", "device-kit", "tensor-core"].map((name) =>
      join(root, "..", name),
    );
    for (const cwd of [...packages, made])
      execFileSync("npx", ["--yes", "pnpm@12", "pack", "--pack-destination", tarballs], { cwd, stdio: "pipe" });
    writeFileSync(join(folder, "package.json"), `{ "private": true }`);
    writeFileSync(join(folder, "main.mjs"), program);
    const packed = readdirSync(tarballs).map((name) => join(tarballs, name));
    execFileSync("npm", ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", ...packed], {
      cwd: folder,
      stdio: "pipe",
    });
  }, 900_000);

  test("nothing comes but what runs: no tests, no objects, no library outside the platform package", () => {
    const files = readdirSync(join(installed, "..", "backend-cuda"), { recursive: true, encoding: "utf8" });
    expect(files).toEqual(expect.arrayContaining(["dist/index.js", "src/native/kernels/primitives/matmul.cu"]));
    expect(files.filter((name) => /\.(node|o|test\.ts)$|^(build|test|generated)(\/|$)/.test(name))).toEqual([]);
    expect(readdirSync(installed).toSorted()).toEqual(["LICENSE", "README.md", "modernbert_cuda.node", "package.json"]);
  });

  test("the platform package's library loads, and says what is missing", () => {
    const said = run();
    if (said.startsWith("CudaUnavailableError ")) expect(said.slice(21)).toMatch(missing);
    else expect(said).toMatch(/^CUDA device 0/);
  });

  test("without the platform package that is said, with its name", () => {
    rmSync(installed, { recursive: true });
    expect(run()).toContain(
      `CudaUnavailableError [createCudaBackend] there is no cuda library: install ${platformPackage}, or build it`,
    );
  });
});
