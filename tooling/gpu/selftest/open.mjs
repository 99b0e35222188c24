/** The backend under test. */
import { createCudaBackend } from "../../../packages/backend-cuda/dist/index.js";

/** @param {boolean} emulate a rehearsal on the CPU */
export const openBackend = (emulate) => createCudaBackend({ emulate });
