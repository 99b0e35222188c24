/** The native engine against the conformance suite, once per instruction set that the library holds. */
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { createCpuBackend } from "../src/index.ts";
import { loadNativeLibrary } from "../src/native/library.ts";
import { createTypeScriptBackend } from "../src/typescript/index.ts";
import { describeNative, missing } from "./native.ts";

const sets = missing ? [] : (await loadNativeLibrary()).instructionSets;
if (missing) describeNative("conformance of cpu, native engine", () => undefined);

for (const { name, supported } of sets) {
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
