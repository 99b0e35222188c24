/** `npm test`: installs, builds, checks and tests everything that can run on this machine; what is skipped is listed with its reason. */
import { installAndBuild, pnpm, step } from "./steps.mjs";

installAndBuild();
step("format", [...pnpm, "format:check"], { quiet: true });
step("lint", [...pnpm, "lint"], { quiet: true });
step("types of the tests", [...pnpm, "exec", "tsc", "-p", "tsconfig.test.json"], { quiet: true });
step("unused files, exports and dependencies", [...pnpm, "knip"], { quiet: true });
step("package manifests", [...pnpm, "-r", "--filter", "!./", "exec", "publint", "--strict"], { quiet: true });
step("tests", [...pnpm, "vitest", ...process.argv.slice(2)]);
