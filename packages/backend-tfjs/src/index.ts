/** A backend over TensorFlow.js, whose module the caller injects. */
export { createTfjsBackend } from "./backend.ts";
export type { TfjsOptions } from "./backend.ts";
export type { Storage, TfjsModule, TfModule, TfTensor } from "./tfjs.ts";
