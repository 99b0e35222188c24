/** Reductions by subgroups of 8. */
import { describeOnSubgroups } from "./subgroups.ts";

await describeOnSubgroups(8, "subgroups");
