/** The library for GPUs: where nvcc is there it is built, loads in Node without a driver, and says what is missing. */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { createCudaBackend, CudaUnavailableError } from "../src/index.ts";

const folder = fileURLToPath(new URL("../", import.meta.url));
const noCompiler = spawnSync("nvcc", ["--version"]).status !== 0 && "there is no nvcc";

test("is built, and loads with or without a driver", async ({ skip }) => {
  if (noCompiler) skip(noCompiler);
  // One target is enough here, and takes a third of the time.
  const out = join(folder, "build", "sm_90a");
  const options = ["--cuda", "--targets", "arch=compute_90a,code=sm_90a", "--out", out];
  execFileSync(process.execPath, ["scripts/build-native.mjs", ...options], { cwd: folder, stdio: "pipe" });
  vi.stubEnv("MODERNBERT_CUDA_LIBRARY", join(out, "modernbert_cuda.node"));
  onTestFinished(() => void vi.unstubAllEnvs());
  const made = await createCudaBackend({ emulate: false }).catch((error: unknown) => error);
  if (made instanceof Error) {
    expect(made).toBeInstanceOf(CudaUnavailableError);
    expect(made.message).toMatch(/^\[createCudaBackend\] .*(driver|GPU|CUDA).*: (install|look)/);
    return;
  }
  const backend = made as Awaited<ReturnType<typeof createCudaBackend>>;
  expect(backend.capabilities.device).toMatch(/^CUDA device 0, .*sm_/);
  await backend[Symbol.asyncDispose]();
}, 300_000);
