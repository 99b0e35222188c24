/** Reductions by subgroups of 4. */
import { describeOnSubgroups } from "./subgroups.ts";

await describeOnSubgroups(4, "subgroups");
