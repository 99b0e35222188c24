/** The TypeScript engine on its own, for browsers and for use as an oracle. */
export { createTypeScriptBackend } from "./backend.ts";
export type { TypeScriptBackendOptions } from "./backend.ts";
