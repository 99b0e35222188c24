/** The backend that the core's own tests run on: the TypeScript engine, by path, because a package dependency would be a cycle. */
export { createTypeScriptBackend } from "../../backend-cpu/src/engines/typescript/index.ts";
