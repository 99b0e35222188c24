/** What a StreamBackend is made of. */
import type { Capabilities, FusedImplementations, PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import type { Address } from "../memory/address.ts";
import type { NativeStreams, StreamHandle } from "./addon.ts";
import type { CommandEncoder } from "./encoder.ts";

export interface StreamBackendParts<Operation extends string> {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly library: NativeStreams;
  /** The backend's own from now on. */
  readonly stream: StreamHandle;
  /** The number of each kernel. */
  readonly operations: Readonly<Record<Operation, number>>;
  readonly primitives: (commands: CommandEncoder<Operation>) => PrimitiveKernels<View>;
  readonly fused: (commands: CommandEncoder<Operation>) => Partial<FusedImplementations>;
  /** Absent where files cannot be mapped; undefined where this one cannot. What it gives is freed like memory of the library's. */
  readonly mapFile?: (descriptor: number, byteLength: number) => Address | undefined;
  /** Absent where the host reaches the memory of buffers. */
  readonly device?: DeviceMemory;
}

/** Memory of buffers that the host does not reach, and what takes its place for staging, reading and recorded commands. */
export interface DeviceMemory {
  /** undefined when there is no room. */
  allocateHost(bytes: number): Address | undefined;
  /** How much memory the device has, in words. */
  room(): string | undefined;
  /** Puts guard bytes round buffers and looks at them: a command that writes outside is a DeviceValueError. Slow. */
  readonly guarded: boolean;
}
