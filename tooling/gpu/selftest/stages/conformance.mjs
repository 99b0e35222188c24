/** Is what the kernels compute right? The whole suite, goldens, the same bits twice; once more under compute-sanitizer where there is one. */
import { existsSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { digestOfTraining } from "../digest.mjs";
import { goldenNames, runGolden } from "../goldens.mjs";
import { Skip } from "../recorder.mjs";
import { runSuite } from "../suite.mjs";

/** Of a rehearsal: the emulator takes minutes for all. */
const few = /^(transfers|memory|fill|copy \/ bf16|matmul \/ bf16|reduce \/ sum \/ f32 \/ [a-d])/;
/** Under a sanitizer everything is slow. */
const small = /^(fill|copy \/ (f32|bf16)|reduce \/ (sum|max) \/ f32|matmul \/ (f32|bf16)|gather|segmentSum|composites .*fused)/;

export async function run({ record, backend, emulate }) {
  await runSuite(record, emulate, emulate ? few : /^/);
  for (const name of emulate ? goldenNames().slice(0, 2) : goldenNames()) {
    await record.part(`golden: ${name}, f32`, () => runGolden(backend, name, "f32"));
    await record.part(`golden: ${name}, bf16`, () => runGolden(backend, name, "bf16"));
  }
  await record.part("the same bits twice", async () => {
    const [first, second] = [await digestOfTraining(emulate), await digestOfTraining(emulate)];
    if (first !== second) throw new Error(`expected ${first} again, got ${second}`);
    return { digest: first };
  });
  await record.part("compute-sanitizer", () => sanitized(emulate));

  const suites = record.parts.filter(({ name }) => name.startsWith("suite: "));
  const sum = (key) => suites.reduce((total, part) => total + (part[key] ?? 0), 0);
  const goldens = record.parts.filter(({ name }) => name.startsWith("golden: "));
  const right = goldens.filter(({ failed }) => !failed).length;
  const determinism = record.parts.find(({ name }) => name === "the same bits twice");
  return `${sum("passed")} cases passed, ${sum("broken")} failed, ${sum("left")} skipped; ${right} of ${goldens.length} goldens; ${determinism?.failed ? "OTHER BITS" : "the same bits twice"}`;
}

/** Runs some cases in a process under NVIDIA's tool. */
function sanitized(emulate) {
  const tool = ["/usr/local/cuda/bin/compute-sanitizer", "compute-sanitizer"].find(works);
  if (!tool) throw new Skip("the box has no compute-sanitizer");
  if (emulate) throw new Skip("a rehearsal has no GPU");
  const program = fileURLToPath(new URL("sanitized.js", import.meta.url));
  const args = ["--error-exitcode", "86", process.execPath, program, small.source];
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: "utf8", timeout: 60_000, maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${status === 86 ? "found errors" : `ended with ${status}`}:\n${(stdout + stderr).slice(-2000)}`);
  return { said: stdout.trim().split("\n").at(-1) };
}

const works = (tool) =>
  (!tool.startsWith("/") || existsSync(tool)) && spawnSync(tool, ["--version"], { stdio: "ignore" }).status === 0;
