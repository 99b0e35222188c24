/** The native engine against the conformance suite, once per instruction set that the library holds. */
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { createCpuBackend } from "../src/index.ts";
import { createTypeScriptBackend } from "../src/engines/typescript/index.ts";
import { describeNative, instructionSets, missing } from "./native.ts";

if (missing) describeNative("conformance of cpu, native engine", () => undefined);

for (const { name, supported } of instructionSets) {
  if (supported) {
    describeConformance({
      name: `cpu, native engine, ${name}`,
      create: () => createCpuBackend({ engine: "native", instructionSet: name, threads: 2 }),
      oracle: async () => createTypeScriptBackend(),
    });
  } else {
    describeNative(`conformance of cpu, native engine, ${name}`, () => undefined, `this machine does not run ${name}`);
  }
}
