/** The stages, in the order in which they run. */
export const stageNames = ["probe", "conformance", "kernels", "training", "inference", "peers"];
