/** Compiles the native library; NCCL need not be there. */
import { fileURLToPath } from "node:url";
import { include_dir as nodeApi } from "node-api-headers";
import { buildAddon } from "@modernbert-ts/device-kit/native/build-addon.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
await buildAddon({ root, nodeApi, file: "modernbert_nccl.node", platforms: { linux: "Linux" } });
