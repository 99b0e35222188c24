/**
 * The command stream: dispatches and copies are recorded into one encoder (one compute pass, unless a copy comes between) and
 * submitted by `flush`. An upload goes straight to the queue only where the open recording does not touch the buffer; else it is staged and
 * copied in order.
 */
import { CallRecorder, hostCopy } from "@modernbert-ts/device-kit";
import { createBindGroups } from "./bind-groups.ts";
import type { Dispatch } from "./dispatch.ts";
import type { DeviceBuffer, Memory } from "./memory.ts";
import { createParameters } from "./parameters.ts";
import { createPipelines } from "./pipelines.ts";
import type { Pipelines, ShaderText } from "./pipelines.ts";
import { createReadbacks } from "./readback.ts";
import type { StreamStats } from "./stats.ts";
import { usage } from "./usage.ts";

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
  /** The dispatches and uploads of `body` as calls, which were not made. */
  record(body: () => void): readonly (() => void)[];
  /** Forgets bind groups, so that buffers can be destroyed. */
  forget(): void;
  stats(): StreamStats;
  destroy(): void;
}

const maxGroupsPerDimension = 65_535;
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
  const parameters = createParameters(device, maxDispatches);
  const groups = createBindGroups(device, parameters.buffer);
  const readbacks = createReadbacks(device);
  const recorder = new CallRecorder();
  let encoder: GPUCommandEncoder | undefined;
  let pass: GPUComputePassEncoder | undefined;
  let recording = 0;
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
    parameters.upload();
    device.queue.submit([encoder.finish()]);
    for (const buffer of staging) buffer.destroy();
    staging = [];
    stagedBytes = 0;
    encoder = undefined;
    recording++;
    counts.submits++;
  }

  function record({ key, parameters: values, bindings, groups: total, body }: Dispatch): void {
    if (parameters.count === maxDispatches) flush();
    const { pipeline, layout } = pipelines.get(key, (): ShaderText => {
      return { fields: values.map(([name, type]) => ({ name, type })), slots: bindings, body: body() };
    });
    const current = openPass();
    const offset = parameters.write(values);
    current.setPipeline(pipeline);
    current.setBindGroup(0, groups.get(layout, bindings), [offset]);
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
    memory.pool.lend(clash.byteLength, (scratch) => {
      copy(clash.buffer, clash.byteOffset, scratch, 0, clash.byteLength);
      const replaced = bindings.map((b) => (b === clash ? { ...b, buffer: scratch, byteOffset: 0 } : b));
      dispatch({ ...command, bindings: replaced });
    });
  }

  function upload(buffer: DeviceBuffer, byteOffset: number, data: Uint8Array): void {
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
  }

  return {
    dispatch: (command) => recorder.run(() => dispatch(command)),
    upload(buffer, byteOffset, data) {
      const kept = recorder.recording ? hostCopy("write", data) : data;
      recorder.run(() => upload(buffer, byteOffset, kept));
    },
    async download(ranges, cleared) {
      const total = ranges.reduce((sum, { byteLength }) => sum + byteLength, 0);
      const target = readbacks.take(total);
      let at = 0;
      for (const { buffer, byteOffset, byteLength } of ranges) {
        copier().copyBufferToBuffer(buffer.gpu, byteOffset, target, at, byteLength);
        at += byteLength;
      }
      if (cleared !== undefined) copier().clearBuffer(cleared.gpu);
      flush();
      const bytes = await readbacks.read(target, total);
      counts.bytesRead += total;
      at = 0;
      return ranges.map(({ byteLength }) => bytes.subarray(at, (at += byteLength)));
    },
    flush,
    record: (body) => recorder.record(body),
    forget() {
      flush();
      groups.clear();
    },
    stats: () => ({ ...counts, pipelines: pipelines.count }),
    destroy() {
      groups.clear();
      parameters.buffer.destroy();
      readbacks.destroy();
    },
  };
}
