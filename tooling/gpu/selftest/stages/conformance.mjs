/** Is what the kernels compute right? The whole suite, goldens, the same bits twice, and small cases under watch. */
import { digestOfTraining } from "../digest.mjs";
import { goldenNames, runGolden } from "../goldens.mjs";
import { runSuite } from "../suite.mjs";
import { guarded, sanitized } from "../watch.mjs";

/** Of a rehearsal: the emulator takes minutes for all. */
const few = /^(transfers|memory|fill|copy \/ bf16|matmul \/ bf16|reduce \/ sum \/ f32 \/ [a-d])/;

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
  await record.part("guard bytes", () => guarded(emulate));
  await record.part("compute-sanitizer", () => sanitized(emulate));

  const suites = record.parts.filter(({ name }) => name.startsWith("suite: "));
  const sum = (key) => suites.reduce((total, part) => total + (part[key] ?? 0), 0);
  const goldens = record.parts.filter(({ name }) => name.startsWith("golden: "));
  const right = goldens.filter(({ failed }) => !failed).length;
  const determinism = record.parts.find(({ name }) => name === "the same bits twice");
  return `${sum("passed")} cases passed, ${sum("broken")} failed, ${sum("left")} skipped; ${right} of ${goldens.length} goldens; ${determinism?.failed ? "OTHER BITS" : "the same bits twice"}`;
}
