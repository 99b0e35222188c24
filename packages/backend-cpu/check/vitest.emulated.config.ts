/** The repository's tests with a library for another processor: main.mjs builds it and names the emulator. */
import { fileURLToPath } from "node:url";
import { mergeConfig } from "vitest/config";
import base from "../../../vitest.config.ts";

export default mergeConfig(base, {
  root: fileURLToPath(new URL("../../../", import.meta.url)),
  resolve: { alias: { koffi: fileURLToPath(new URL("emulated-koffi.mjs", import.meta.url)) } },
  test: { testTimeout: 300_000 },
});
