/** The page from the workspace's sources. Its servers isolate it from other origins, so that SharedArrayBuffer exists. */
import { defaultClientConditions, defineConfig } from "vite";
import { offline } from "./vite-offline.ts";

const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  base: "./",
  resolve: { conditions: ["@modernbert-ts/source", ...defaultClientConditions] },
  plugins: [offline()],
  worker: { format: "es" },
  build: { target: "es2022", modulePreload: { polyfill: false } },
  server: { headers },
  preview: { headers },
});
