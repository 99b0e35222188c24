/**
 * The kernels of the WebAssembly engine. Each has the signature (scratch, task, …arguments): it does one of the tasks that its job is split
 * into, on whatever thread, with that thread's scratch memory. What a task computes does not depend on threads, so results do not either.
 * Addresses are bytes into the shared memory, 0 is an absent tensor; all else is counted in elements.
 */
export { attentionBackward } from "./attention-backward";
export { attentionForward } from "./attention-forward";
export { addColumns, crossEntropyRow, scaleInto } from "./cross-entropy";
export { dotProducts } from "./dot-products";
export { gluBackward, gluForward } from "./glu";
export { int8Linear, quantizeRows } from "./int8-linear";
export { layerNormBackward, layerNormForward, sumParts } from "./layer-norm";
export { matmul } from "./matmul";
export { narrowLinear } from "./narrow-linear";
export { rope } from "./rope";
export { stableAdamWSquares, stableAdamWUpdate } from "./stable-adamw";
