/** `modernbert-serve` as a library: start a server inside another program. */
export { startServer } from "./server.ts";
export type { RunningServer } from "./server.ts";
export { defaults } from "./options.ts";
export type { LogLevel, ServerOptions } from "./options.ts";
export { StartError } from "./errors.ts";
