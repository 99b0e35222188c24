/** Cases of the suite and a golden in a process that a tool watches: `watched.js PATTERN [--emulate]`. Ends with 1 where a case fails. */
import { openBackend } from "./open.mjs";
import { goldenNames, runGolden } from "./goldens.mjs";
import { runSuite } from "./suite.mjs";

const [, , pattern, option] = process.argv;
const emulate = option === "--emulate";
let [passed, failed] = [0, 0];
const record = {
  async part(name, run) {
    const found = await run();
    passed += found.passed;
    failed += found.broken;
    if (found.failed) console.log(name, found.failed, found.failures);
  },
};
await runSuite(record, emulate, new RegExp(pattern));
const backend = await openBackend(emulate);
await runGolden(backend, goldenNames()[0], "f32");
await backend[Symbol.asyncDispose]();
console.log(`${passed} cases passed, ${failed} failed, and a golden`);
process.exit(failed === 0 ? 0 : 1);
