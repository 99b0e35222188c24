/** Reductions by subgroups of 32. */
import { describeOnSubgroups } from "./subgroups.ts";

await describeOnSubgroups(32, "subgroups");
