/** Whether this machine has a WebGPU adapter. Tests that need one are one visible skip without. */
import { describe, test, vi } from "vitest";
import { createWebGpuBackend } from "../src/index.ts";

// A software adapter on a busy machine compiles a dozen shaders in a minute, and some tests need more.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 });

async function whyNoAdapter(): Promise<string | undefined> {
  try {
    await (await createWebGpuBackend())[Symbol.asyncDispose]();
    return undefined;
  } catch (error) {
    if (error instanceof Error && error.name === "WebGpuUnavailableError") return error.message;
    throw error;
  }
}

/** Why there are no tests on a device here, or undefined. Errors other than a missing adapter are failures. */
export const missing: string | undefined = await whyNoAdapter();

/** `body`, or one test that is skipped with the reason. */
export function onDevice(name: string, body: () => void): void {
  if (missing === undefined) body();
  else describe(name, () => test("needs a WebGPU adapter", ({ skip }) => skip(missing)));
}
