/** Runs the steps of a script one after another, each announced, and stops at the first that fails. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node 20.19 or newer is needed, this is ${process.versions.node}.`);
  process.exit(1);
}

/** pnpm comes through npx, so that Node and npm are all that a fresh clone needs. */
export const pnpm = ["npx", "--yes", "pnpm@12"];

/**
 * @param {string} title
 * @param {string[]} command
 * @param {{ quiet?: boolean, env?: Record<string, string> }} options quiet: show the output only when the step fails
 */
export function step(title, command, { quiet = false, env = {} } = {}) {
  const started = Date.now();
  console.log(`\n▸ ${title}`);
  const [program, ...args] = command;
  const run = spawnSync(program, args, {
    cwd: root,
    stdio: quiet ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
    encoding: "utf8",
    maxBuffer: 1 << 28,
    shell: process.platform === "win32",
  });
  if (run.status !== 0) {
    if (quiet) console.error(`${run.stdout ?? ""}${run.stderr ?? ""}`);
    console.error(`✗ ${title} failed: ${command.join(" ")}${run.error ? ` (${run.error.message})` : ""}`);
    process.exit(run.status ?? 1);
  }
  console.log(`  ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** Installs what the lockfile names and builds all packages. */
export function installAndBuild() {
  step("install", [...pnpm, "install", "--frozen-lockfile", "--prefer-offline"], { quiet: true });
  step("build", [...pnpm, "build"], { quiet: true });
}
