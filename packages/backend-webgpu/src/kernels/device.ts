/** What kernels need of the backend. */
import type { DeviceBuffer, Memory } from "../device/memory.ts";
import type { Stream } from "../device/stream.ts";
import type { Features } from "../features.ts";

export interface Device {
  readonly stream: Stream;
  readonly memory: Memory;
  /** Three words that kernels set when they meet a bad value; see `errorBinding`. */
  readonly errors: DeviceBuffer;
  /** Tells the backend that the next transfer must look at `errors`. */
  markErrors(): void;
  /** Largest window of a buffer that a shader may see. */
  readonly maxBindingBytes: number;
  /** Windows start at multiples of this. */
  readonly bindingAlignment: number;
  readonly maxBindings: number;
  /** Software adapters: a barrier costs them more than the memory traffic that it saves. */
  readonly avoidsBarriers: boolean;
  readonly features: Features;
}
