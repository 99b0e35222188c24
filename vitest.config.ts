import { defineConfig } from "vitest/config";

/** Tests run on the TypeScript sources (condition `@modernbert-ts/source`); what a build derives (native library, vocabulary) must exist. */
const conditions = ["@modernbert-ts/source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "tooling/**/*.test.ts"],
    reporters: ["default", "./tooling/scripts/skip-reporter.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
