/** What the backends share: pooled memory, captures, command streams, checks. No device code, no Node API. */
export { Buffers } from "./memory/buffers.ts";
export type { Block } from "./memory/free-list.ts";
export { Pool } from "./memory/pool.ts";
export type { Heap, PoolOptions } from "./memory/pool.ts";
export { offsetAddress } from "./commands/address.ts";
export type { Address, AddressBlock } from "./commands/address.ts";
export { CommandEncoder } from "./commands/encoder.ts";
export { Staging, stagingBytes } from "./commands/staging.ts";
export { CommandStream } from "./commands/stream.ts";
export type { StreamLibrary } from "./commands/stream.ts";
export { Lifetime } from "./lifetime.ts";
export { CallRecorder, captureReplay, replayCalls } from "./replay.ts";
export { expectDtype, expectDtypes, expectNoDropout, firstRefusal } from "./expect-dtypes.ts";
export type { Answer } from "./expect-dtypes.ts";
