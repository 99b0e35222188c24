/** `npm run check:e2e`: every consumer, the slow ones too, and their table. */
import { installAndBuild, pnpm, step } from "../tooling/scripts/steps.mjs";

installAndBuild();
step("consumers", [...pnpm, "vitest", "--project", "e2e", ...process.argv.slice(2)], {
  env: { MODERNBERT_E2E: "all" },
});
