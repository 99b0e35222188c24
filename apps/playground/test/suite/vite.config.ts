/** The page of the suites, built from the sources like the playground itself. */
import { defaultClientConditions, defineConfig } from "vite";

export default defineConfig({
  resolve: { conditions: ["@modernbert-ts/source", ...defaultClientConditions] },
  build: { target: "es2022" },
});
