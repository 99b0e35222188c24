/** The conformance suite without a test framework: a part for each family of cases. */
import { createCpuBackend } from "../../../packages/backend-cpu/dist/index.js";
import { conformanceCases, openSession, runCase } from "../../../packages/conformance/dist/index.js";
import { openBackend } from "./open.mjs";

/** Failures that are kept of a family. */
const kept = 20;
/** The suite's own; what failed once fails again. */
const seed = 1;

/** @param {RegExp} only which cases */
export async function runSuite(record, emulate, only) {
  const subject = {
    name: "cuda",
    create: () => openBackend(emulate),
    oracle: () => createCpuBackend({ engine: "typescript" }),
    seed,
  };
  const families = new Map();
  for (const each of conformanceCases().filter(({ name }) => only.test(name))) {
    const [family] = each.name.split(" / ");
    families.set(family, [...(families.get(family) ?? []), each]);
  }
  await using session = await openSession(subject);
  for (const [family, cases] of families) await record.part(`suite: ${family}`, () => runFamily(cases, session));
}

async function runFamily(cases, session) {
  let [passed, left] = [0, 0];
  const failures = [];
  const reasons = {};
  for (const each of cases) {
    const { outcome } = await runCase(each, session);
    if (outcome.status === "passed") passed++;
    else if (outcome.status === "skipped") {
      left++;
      reasons[outcome.reason] = (reasons[outcome.reason] ?? 0) + 1;
    } else failures.push(`${each.name}: ${outcome.error?.message ?? outcome.error}`);
  }
  const counts = { passed, left, broken: failures.length, reasons };
  if (failures.length === 0) return counts;
  return { ...counts, failed: `${failures.length} of ${cases.length} cases`, failures: failures.slice(0, kept) };
}
