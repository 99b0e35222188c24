/** Cases of the suite and a golden, for a tool that watches the process: `sanitized.js PATTERN`. Ends with 1 where a case fails. */
import { openBackend } from "./open.mjs";
import { goldenNames, runGolden } from "./goldens.mjs";
import { runSuite } from "./suite.mjs";

let failed = 0;
const record = {
  async part(name, run) {
    const { failed: why, failures } = await run();
    if (!why) return;
    failed++;
    console.log(name, why, failures);
  },
};
await runSuite(record, false, new RegExp(process.argv[2]));
const backend = await openBackend(false);
await runGolden(backend, goldenNames()[0], "f32");
await backend[Symbol.asyncDispose]();
process.exit(failed === 0 ? 0 : 1);
