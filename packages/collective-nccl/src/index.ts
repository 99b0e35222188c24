/** Processes that train one model together over NCCL. */
export { joinNccl } from "./join.ts";
export type { JoinOptions, NcclRanks } from "./join.ts";
export type { Place, Rendezvous } from "./rendezvous.ts";
