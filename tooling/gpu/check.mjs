/**
 * `npm run check:gpu-bundle`: a rehearsal without a GPU. Makes a bundle, runs every stage of its self-test in the emulator, and sees that a
 * damaged bundle is refused and a stage that takes too long is stopped. PYTHON names one with torch and transformers; without, peers are
 * skipped with the reason.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { step } from "../scripts/steps.mjs";
import { repository } from "./bundle/places.mjs";
import { readResult } from "./selftest/recorder.mjs";
import { stageNames } from "./selftest/stage-names.mjs";

const out = join(repository, "runs/gpu-rehearsal");
const results = join(out, "results");
const selftest = (...args) => spawnSync(join(out, "selftest.sh"), ["--emulate", ...args], { encoding: "utf8" });

step("a bundle for a rehearsal", [process.execPath, "tooling/gpu/bundle.mjs", "--rehearsal", "--out", out]);
step("its self-test, emulated", [join(out, "selftest.sh"), "--emulate", "all"]);
for (const name of stageNames) {
  const { outcome, emulated, device, commit, date, parts } = readResult(results, name);
  assert.equal(outcome, "complete", name);
  assert.ok(emulated && device && commit && date && parts.length > 0, name);
}

console.log("\n▸ a stage that takes too long is stopped, and noted");
const late = selftest("--limit", "1", "conformance");
assert.equal(late.status, 1);
assert.match(late.stdout, /conformance: stopped after 1 s, after \d+ parts/);
assert.equal(readResult(results, "conformance").outcome, "stopped after 1 s");

console.log("\n▸ a damaged bundle is refused");
const damaged = join(out, "peers/peer.py");
const whole = readFileSync(damaged);
appendFileSync(damaged, "\n");
const refused = selftest("probe");
assert.equal(refused.status, 2);
assert.match(refused.stderr, /expected peers\/peer\.py as it was bundled, found it changed/);
writeFileSync(damaged, whole);

console.log("\n▸ a bundle of other sources is refused");
const stray = join(repository, "tooling/gpu/probes/stray.h");
writeFileSync(stray, "");
try {
  assert.match(selftest("probe").stderr, /expected the sources of commit/);
} finally {
  rmSync(stray);
}
