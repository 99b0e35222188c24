/** The TypeScript engine against the conformance suite. Fresh buffers are poisoned, so reading what was never written fails. */
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { createTypeScriptBackend } from "../src/engines/typescript/index.ts";

describeConformance({
  name: "cpu, TypeScript engine",
  create: async () => createTypeScriptBackend({ poison: true }),
});
