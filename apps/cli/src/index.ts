/** The command line as a function, for programs that want to call it without a process of its own. */
export { run } from "./program.ts";
export type { Streams } from "./streams.ts";
