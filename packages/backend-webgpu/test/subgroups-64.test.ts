/** Reductions by subgroups of 64. */
import { describeOnSubgroups } from "./subgroups.ts";

await describeOnSubgroups(64, "subgroups");
