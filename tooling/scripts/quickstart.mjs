/** `npm run quickstart`: installs, builds, then trains a small ModernBERT on real text and asks it questions. */
import { installAndBuild, step } from "./steps.mjs";

installAndBuild();
step("quickstart", ["node", "apps/trainer/dist/quickstart/main.js", ...process.argv.slice(2)]);
