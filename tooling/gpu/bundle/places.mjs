/** Where things are while a bundle is made. */
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../../../", import.meta.url));
export const tools = fileURLToPath(new URL("../", import.meta.url));
/** Downloads and objects, kept between bundles. */
export const cache = `${repository}runs/gpu-cache`;
export const bundle = `${repository}runs/gpu-bundle`;
