/**
 * The self-test's program, which selftest.sh starts: checks the bundle, runs stages one after another, each as a process of its own with a
 * limit, and prints a line for each.
 */
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { lookInPython } from "./libraries.mjs";
import { runLimited } from "./limit.mjs";
import { checkBundle } from "./manifest.mjs";
import { noteOutcome, readResult, resultFile } from "./recorder.mjs";
import { stageNames } from "./stage-names.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const program = fileURLToPath(new URL("stage.js", import.meta.url));
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    emulate: { type: "boolean", default: false },
    results: { type: "string", default: `${root}results` },
    limit: { type: "string", default: "180" },
    only: { type: "string", default: "" },
  },
});
const wanted = positionals.includes("all") || positionals.length === 0 ? stageNames : positionals;
const unknown = wanted.find((name) => !stageNames.includes(name));
if (unknown) fail(`expected ${stageNames.join(", ")} or all, got ${unknown}`);
const limit = Number(options.limit);
if (!(limit > 0)) fail(`expected --limit in seconds, got ${options.limit}`);
try {
  checkBundle(root);
} catch (error) {
  fail(error.message);
}

lookInPython();
const lines = [];
for (const stage of wanted) {
  console.log(`\n## ${stage}`);
  rmSync(resultFile(options.results, stage), { force: true });
  const args = ["--results", options.results, "--only", options.only, ...(options.emulate ? ["--emulate"] : [])];
  const problem = await runLimited([process.execPath, program, stage, ...args], limit);
  if (problem) noteOutcome(options.results, stage, problem);
  lines.push({ stage, ...readResult(options.results, stage) });
}

console.log("");
for (const { stage, outcome, line, parts = [] } of lines) {
  const failed = parts.filter((part) => part.failed).length;
  const said = outcome === "complete" ? line : `${outcome}, after ${parts.length} parts`;
  console.log(`${stage}: ${said}${failed ? `; ${failed} PARTS FAILED` : ""}`);
}
const good = lines.every(({ outcome, parts }) => outcome === "complete" && !parts.some((part) => part.failed));
process.exit(good ? 0 : 1);

function fail(message) {
  console.error(`[selftest] ${message}`);
  process.exit(2);
}
