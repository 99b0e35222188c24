/** The page from the workspace's sources. Its servers isolate it from other origins, so that SharedArrayBuffer exists. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defaultClientConditions, defineConfig } from "vite";
import { offline } from "./vite-offline.ts";

const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

const publicDir = process.env["PLAYGROUND_PUBLIC"] ?? fileURLToPath(new URL("public", import.meta.url));
/** What scripts/examples.mjs left: the list of example models. */
const examples = join(publicDir, "examples/examples.json");

export default defineConfig({
  define: { __EXAMPLES__: existsSync(examples) ? readFileSync(examples, "utf8") : "[]" },
  base: "./",
  publicDir,
  resolve: { conditions: ["@modernbert-ts/source", ...defaultClientConditions] },
  plugins: [offline()],
  worker: { format: "es" },
  build: { target: "es2022", modulePreload: { polyfill: false } },
  server: { headers },
  preview: { headers },
});
