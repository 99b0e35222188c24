/** Processes that train one model together over MPI. */
export { joinMpi } from "./join.ts";
export type { JoinOptions, MpiRanks } from "./join.ts";
