import { defineConfig } from "vitest/config";

/** Tests run on the TypeScript sources (condition `@modernbert-ts/source`); what a build derives (native library, vocabulary) must exist. */
const source = { resolve: { conditions: ["@modernbert-ts/source"] }, ssr: { resolve: { conditions: ["@modernbert-ts/source"] } } };

export default defineConfig({
  ...source,
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "tooling/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
