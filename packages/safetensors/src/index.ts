/** Reads and writes safetensors without any platform API; files on disk are in `@modernbert-ts/safetensors/node`. */
export { readSafetensors, type SafetensorsFile } from "./buffer.ts";
export { openCheckpoint } from "./checkpoint.ts";
export type { Folder } from "./folder.ts";
export { readText, textLimits } from "./text.ts";
export { blobSource, type BlobLike } from "./blob-source.ts";
export { openSources, type ByteSource, type SafetensorsReader } from "./reader.ts";
export { serializeSafetensors, type SerializeOptions, type TensorEntry } from "./serialize.ts";
export { type TensorInfo } from "./header.ts";
export { safetensorsDTypes, type SafetensorsDType, type TensorData, type TypedArrayOf } from "./dtypes.ts";
export { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "./half.ts";
export { SafetensorsError } from "./errors.ts";
