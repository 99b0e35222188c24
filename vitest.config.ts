/**
 * One project per package and app: `npx vitest run --project tokenizer`. Tests run on the TypeScript sources (condition
 * `@modernbert-ts/source`); what a build derives (native library, vocabulary) must exist.
 */
import { existsSync, readdirSync } from "node:fs";
import { defineConfig } from "vitest/config";

const conditions = ["@modernbert-ts/source"];
const folders = ["packages", "apps"]
  .flatMap((parent) => readdirSync(parent).map((name) => ({ name, folder: `${parent}/${name}` })))
  .concat(
    { name: "conventions", folder: "tooling/conventions" },
    { name: "gpu", folder: "tooling/gpu" },
    { name: "examples", folder: "examples" },
  )
  .filter(({ folder }) => existsSync(`${folder}/test`));

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    reporters: ["default", "./tooling/scripts/skip-reporter.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    projects: folders.map(({ name, folder }) => ({
      extends: true,
      test: { name, include: [`${folder}/test/**/*.test.ts`] },
    })),
  },
});
