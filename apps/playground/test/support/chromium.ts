/** Chromium of this machine, driven by playwright-core: with WebGPU on its software adapter, or without. */
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";
import { describe, test } from "vitest";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = [process.env["CHROMIUM"], ...places].find((path) => path !== undefined && existsSync(path));

const quiet = [
  "--no-sandbox",
  "--no-first-run",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** SwiftShader, which Chromium brings along: WebGPU on the CPU. */
const softwareGpu = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/** A headless browser with a profile of its own. */
export function launch({ webgpu }: { readonly webgpu: boolean }): Promise<Browser> {
  if (executablePath === undefined) throw new Error("expected Chromium, got none");
  return chromium.launch({ executablePath, headless: true, args: [...quiet, ...(webgpu ? softwareGpu : [])] });
}

/** `body`, or one test that is skipped with the reason. */
export function onChromium(name: string, body: () => void): void {
  if (executablePath !== undefined) describe(name, body);
  else
    describe(name, () => {
      test("needs Chromium", ({ skip }) =>
        skip("there is no Chromium: apt-get install chromium, or name one in CHROMIUM"));
    });
}
