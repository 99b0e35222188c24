/** What the caller gives and gets. These types name nothing of WebGPU's own: see webgpu-types.ts. */
import type { Backend } from "@modernbert-ts/tensor-core";
import type { StreamStats } from "./device/stats.ts";
import type { Features, OptionalFeature } from "./features.ts";
import type { MatmulTable, RecipeName } from "./kernels/recipe-names.ts";
import type { TuningStore } from "./tuning-store.ts";
import type { WebGpu, WebGpuAdapter, WebGpuDevice } from "./webgpu-types.ts";

export interface DeviceLimits {
  /** Largest window of a buffer that one shader may see, in bytes. */
  readonly maxStorageBufferBindingSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  /** Largest buffer in bytes. */
  readonly maxBufferSize: number;
}

export interface WebGpuBackendOptions {
  /** A device of the caller, who also destroys it. Ask its adapter for the largest limits, and for `shader-f16` and `subgroups`. */
  readonly device?: WebGpuDevice;
  readonly adapter?: WebGpuAdapter;
  /** Where to ask for an adapter; default: `navigator.gpu`, or the package webgpu in Node. */
  readonly gpu?: WebGpu;
  readonly powerPreference?: "low-power" | "high-performance";
  /** Whether an adapter that is a program on the CPU will do (lavapipe, SwiftShader, WARP). Default true; `auto` says false. */
  readonly allowSoftware?: boolean;
  /** Whether to take kernels without workgroup memory where there are some. Default: on software adapters, which are faster so. */
  readonly avoidBarriers?: boolean;
  /** Features that kernels are not to use though the device may have them. Default: on software adapters `shader-f16`, which they imitate. */
  readonly withoutFeatures?: readonly OptionalFeature[];
  /** Lower limits than the device has, to try what a smaller one would do. */
  readonly limits?: Partial<DeviceLimits>;
  /** Most bytes that the pool keeps for reuse. Default 1 GiB. */
  readonly maxCachedBytes?: number;
  /**
   * Which matmul shader is taken. `tuned` (default): on a GPU the fastest of each class of products, measured when the first backend is
   * made on it (some 0.1 s, more where the driver compiles slowly) and kept in `tuningStore`; on a software adapter always the
   * same. `rule`: from the shapes alone, so that results are the same bits on every machine of one kind. A name: that one where it fits.
   */
  readonly matmul?: "tuned" | "rule" | RecipeName;
  /** Default: a file in `MODERNBERT_CACHE` or the user's cache folder in Node, Cache storage in the browser. */
  readonly tuningStore?: TuningStore;
  /** Commands that are recorded before they are handed to the device without being asked. Default 256. */
  readonly maxDispatchesPerFlush?: number;
}

export interface WebGpuBackend extends Backend {
  /** Optional features of the device that kernels use. */
  readonly features: Features;
  /** Counts since the start: dispatches, passes, submits, compiled pipelines, bytes to and from the device. */
  stats(): StreamStats;
  /** Measures which matmul shader is fastest for which products, and takes those from now on. Nothing may be queued meanwhile. */
  tune(options?: { readonly size?: number; readonly rows?: readonly number[] }): Promise<MatmulTable>;
}
