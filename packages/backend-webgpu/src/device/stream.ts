/**
 * The command stream: dispatches and copies are recorded into one encoder (one compute pass, unless a copy comes between) and
 * submitted by `flush`. Parameters of all dispatches of a recording lie in one uniform buffer, written once before the submit.
 * An upload goes straight to the queue only where the open recording does not touch the buffer; else it is staged and copied in order.
 */
import type { DeviceBuffer, Memory } from "./memory.ts";
import { createPipelines, parameterBytes } from "./pipelines.ts";
import type { Pipelines, ShaderText, Slot } from "./pipelines.ts";
import { mapModeRead, usage } from "./usage.ts";

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

export interface StreamStats {
  readonly dispatches: number;
  readonly passes: number;
  readonly submits: number;
  readonly pipelines: number;
  /** By dispatches, each operand once: what a device moves at least. */
  readonly bytesMoved: number;
  readonly bytesUploaded: number;
  readonly bytesRead: number;
}

export interface Stream {
  dispatch(dispatch: Dispatch): void;
  /** Uploads whole words; offset and length are multiples of 4. */
  upload(buffer: DeviceBuffer, byteOffset: number, data: Uint8Array): void;
  /** Submits and resolves with the bytes of each range, multiples of 4 all; then zeros `cleared`, before anything recorded later. */
  download(
    ranges: readonly { buffer: DeviceBuffer; byteOffset: number; byteLength: number }[],
    cleared?: DeviceBuffer,
  ): Promise<Uint8Array[]>;
  flush(): void;
  /** Forgets bind groups, so that buffers can be destroyed. */
  forget(): void;
  stats(): StreamStats;
  destroy(): void;
}

/** In a shader: the number of this workgroup. */
export const groupIndex = "(group.x + group.y * count.x)";
/** The arguments of `main` that `groupIndex` and `local` need. */
export const mainArguments =
  "@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) local: u32";

const maxGroupsPerDimension = 65_535;
const maxBindGroups = 8192;
const maxStagedBytes = 32 * 2 ** 20;

export function createStream(
  device: GPUDevice,
  memory: Memory,
  options: {
    readonly maxDispatches: number;
    readonly check: (promise: Promise<void>) => void;
    readonly fail: (error: Error) => void;
  },
): Stream {
  const { maxDispatches, check, fail } = options;
  const pipelines: Pipelines = createPipelines(device, check, fail);
  const groups = new Map<string, GPUBindGroup>();
  const uniforms = device.createBuffer({
    size: maxDispatches * parameterBytes,
    usage: usage.uniform | usage.copyTarget,
  });
  const words = new Uint32Array((maxDispatches * parameterBytes) / 4);
  const signed = new Int32Array(words.buffer);
  const floats = new Float32Array(words.buffer);
  const readbacks = new Map<number, GPUBuffer[]>();
  let encoder: GPUCommandEncoder | undefined;
  let pass: GPUComputePassEncoder | undefined;
  let recording = 0;
  let recorded = 0;
  let staging: GPUBuffer[] = [];
  let stagedBytes = 0;
  const counts = { dispatches: 0, passes: 0, submits: 0, bytesMoved: 0, bytesUploaded: 0, bytesRead: 0 };

  function openEncoder(): GPUCommandEncoder {
    encoder ??= device.createCommandEncoder();
    return encoder;
  }

  function openPass(): GPUComputePassEncoder {
    if (pass === undefined) {
      pass = openEncoder().beginComputePass();
      counts.passes++;
    }
    return pass;
  }

  /** The encoder outside a pass, for copies. */
  function copier(): GPUCommandEncoder {
    pass?.end();
    pass = undefined;
    return openEncoder();
  }

  function flush(): void {
    if (encoder === undefined) return;
    pass?.end();
    pass = undefined;
    if (recorded > 0) device.queue.writeBuffer(uniforms, 0, words, 0, (recorded * parameterBytes) / 4);
    device.queue.submit([encoder.finish()]);
    for (const buffer of staging) buffer.destroy();
    staging = [];
    stagedBytes = 0;
    encoder = undefined;
    recorded = 0;
    recording++;
    counts.submits++;
  }

  function writeParameters(parameters: readonly Parameter[]): number {
    if (parameters.length * 4 > parameterBytes) throw new Error("internal: too many parameters for one dispatch");
    const start = (recorded * parameterBytes) / 4;
    parameters.forEach(([, type, value], at) => {
      if (type === "f32") floats[start + at] = value;
      else if (type === "i32") signed[start + at] = value;
      else words[start + at] = value;
    });
    recorded++;
    return start * 4;
  }

  function bindGroup(layout: GPUBindGroupLayout, bindings: readonly Binding[]): GPUBindGroup {
    let key = "";
    for (const { buffer, byteOffset, byteLength, writes } of bindings)
      key += `${buffer.serial}${writes ? "w" : "r"}${byteOffset},${byteLength};`;
    let group = groups.get(key);
    if (group === undefined) {
      group = device.createBindGroup({
        layout,
        entries: [
          { binding: 0, resource: { buffer: uniforms, size: parameterBytes } },
          ...bindings.map(({ buffer, byteOffset, byteLength }, at) => ({
            binding: at + 1,
            resource: { buffer: buffer.gpu, offset: byteOffset, size: byteLength },
          })),
        ],
      });
      if (groups.size >= maxBindGroups) groups.clear();
      groups.set(key, group);
    }
    return group;
  }

  function record({ key, parameters, bindings, groups: total, body }: Dispatch): void {
    if (recorded === maxDispatches) flush();
    const { pipeline, layout } = pipelines.get(key, (): ShaderText => {
      return { fields: parameters.map(([name, type]) => ({ name, type })), slots: bindings, body: body() };
    });
    const current = openPass();
    const offset = writeParameters(parameters);
    current.setPipeline(pipeline);
    current.setBindGroup(0, bindGroup(layout, bindings), [offset]);
    const columns = Math.min(total, maxGroupsPerDimension);
    current.dispatchWorkgroups(columns, Math.ceil(total / columns));
    for (const { buffer, byteLength, bytesTouched = byteLength } of bindings) {
      buffer.lastRecording = recording;
      counts.bytesMoved += bytesTouched;
    }
    counts.dispatches++;
  }

  function copy(from: DeviceBuffer, fromOffset: number, to: DeviceBuffer, toOffset: number, byteLength: number): void {
    copier().copyBufferToBuffer(from.gpu, fromOffset, to.gpu, toOffset, byteLength);
    from.lastRecording = recording;
    to.lastRecording = recording;
  }

  /** A buffer must not be read and written in one dispatch: what is both is read from a copy. */
  function dispatch(command: Dispatch): void {
    const { bindings } = command;
    const clash = bindings.find(
      (reader) => !reader.writes && bindings.some((b) => b.writes && b.buffer === reader.buffer),
    );
    if (clash === undefined) return record(command);
    memory.withScratch(clash.byteLength, (scratch) => {
      copy(clash.buffer, clash.byteOffset, scratch, 0, clash.byteLength);
      const replaced = bindings.map((b) => (b === clash ? { ...b, buffer: scratch, byteOffset: 0 } : b));
      dispatch({ ...command, bindings: replaced });
    });
  }

  function takeReadback(size: number): GPUBuffer {
    return readbacks.get(size)?.pop() ?? device.createBuffer({ size, usage: usage.mapRead | usage.copyTarget });
  }

  return {
    dispatch,
    upload(buffer, byteOffset, data) {
      counts.bytesUploaded += data.byteLength;
      if (buffer.lastRecording !== recording) {
        device.queue.writeBuffer(buffer.gpu, byteOffset, data as Uint8Array<ArrayBuffer>);
        return;
      }
      const staged = device.createBuffer({ size: data.byteLength, usage: usage.copySource, mappedAtCreation: true });
      new Uint8Array(staged.getMappedRange()).set(data);
      staged.unmap();
      staging.push(staged);
      stagedBytes += data.byteLength;
      copier().copyBufferToBuffer(staged, 0, buffer.gpu, byteOffset, data.byteLength);
      if (stagedBytes > maxStagedBytes) flush();
    },
    async download(ranges, cleared) {
      const total = ranges.reduce((sum, { byteLength }) => sum + byteLength, 0);
      const size = Math.max(256, 2 ** Math.ceil(Math.log2(total)));
      const target = takeReadback(size);
      let at = 0;
      for (const { buffer, byteOffset, byteLength } of ranges) {
        copier().copyBufferToBuffer(buffer.gpu, byteOffset, target, at, byteLength);
        at += byteLength;
      }
      if (cleared !== undefined) copier().clearBuffer(cleared.gpu);
      flush();
      await target.mapAsync(mapModeRead, 0, total);
      const bytes = new Uint8Array(target.getMappedRange(0, total)).slice();
      target.unmap();
      const waiting = readbacks.get(size) ?? [];
      readbacks.set(size, waiting);
      if (waiting.length < 4 && size <= maxStagedBytes) waiting.push(target);
      else target.destroy();
      counts.bytesRead += total;
      at = 0;
      return ranges.map(({ byteLength }) => bytes.subarray(at, (at += byteLength)));
    },
    flush,
    forget() {
      flush();
      groups.clear();
    },
    stats: () => ({ ...counts, pipelines: pipelines.count }),
    destroy() {
      groups.clear();
      uniforms.destroy();
      for (const buffers of readbacks.values()) for (const buffer of buffers) buffer.destroy();
    },
  };
}
