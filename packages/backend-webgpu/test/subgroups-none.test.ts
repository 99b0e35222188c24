/** Kernels with workgroup memory where nothing but the first version of WebGPU is used. */
import { describeOnSubgroups } from "./subgroups.ts";

await describeOnSubgroups(4, "none");
