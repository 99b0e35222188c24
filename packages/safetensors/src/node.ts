/** safetensors files on disk: partial reads, sharded checkpoints, atomic writes. */
export { diskFolder, openSafetensors } from "./node/open.ts";
export { writeSafetensors, type WriteOptions } from "./node/write.ts";
export { syncFolder, WriteError, writeFileAtomic } from "./node/atomic.ts";
