/** A command for the stream: a shader with its parameters, bindings and number of workgroups. */
import type { DeviceBuffer } from "./memory.ts";
import type { Slot } from "./pipelines.ts";

export interface Binding extends Slot {
  readonly buffer: DeviceBuffer;
  readonly byteOffset: number;
  readonly byteLength: number;
  /** What the dispatch touches of it, for the statistics. Default `byteLength`. */
  readonly bytesTouched?: number;
}

export type ParameterType = "u32" | "i32" | "f32";

/** A field of the uniform struct with its value. */
export type Parameter = readonly [name: string, type: ParameterType, value: number];

export interface Dispatch {
  /** Names the pipeline: everything that the shader's text depends on, and no shape. */
  readonly key: string;
  readonly parameters: readonly Parameter[];
  readonly bindings: readonly Binding[];
  /** Number of workgroups; more than a dimension can hold are laid out in two. Shaders find theirs with `groupIndex`. */
  readonly groups: number;
  /** Functions and the entry point. */
  readonly body: () => string;
}

/** In a shader: the number of this workgroup. */
export const groupIndex = "(group.x + group.y * count.x)";
/** The arguments of `main` that `groupIndex` and `local` need. */
export const mainArguments: string =
  "@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) local: u32";
