/**
 * The reduction by subgroups, on partitions that no adapter here has: the subgroup functions of WGSL are shadowed by ones that emulate
 * any size and any assignment of threads to subgroups. Real sizes are tested in subgroups-*.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findGpu } from "../src/gpu.ts";
import { groupThreads, maxOf, printReductions, sumOf } from "../src/wgsl/reduction.ts";
import type { Reduction } from "../src/wgsl/reduction.ts";
import { onDevice } from "./adapter.ts";

/** WGSL for the subgroup of a thread. Ids need not be dense. */
const partitions = {
  "neighbours of 4": "thread / 4u",
  "neighbours of 32": "thread / 32u",
  "one of 64": "0u",
  "64 of one": "thread",
  "every eighth thread": "thread % 8u",
  "halves that interleave": "thread & 1u",
  "sizes that differ": "firstLeadingBit(thread + 1u)",
  "scattered threads": "(thread * 29u + 7u) % 64u / 16u",
};

function emulate(name: string, type: string, start: string, combine: string): string {
  return `var<workgroup> ${name}_all: array<${type}, ${groupThreads}>;
fn ${name}(v: ${type}) -> ${type} {
  workgroupBarrier();
  ${name}_all[thread] = v;
  workgroupBarrier();
  var a = ${start};
  for (var other = 0u; other < ${groupThreads}u; other++) {
    if (subgroup_of(other) != subgroup_of(thread)) { continue; }
    let b = ${name}_all[other];
    a = ${combine};
  }
  return a;
}`;
}

/** Each of two calls gives every thread its result; the calls share the workgroup memory. */
function shader(partition: string, { name, type }: Reduction, functions: string): string {
  return `var<private> thread: u32;
fn subgroup_of(thread: u32) -> u32 { return ${partition}; }
${emulate("subgroupMin", "u32", "0xffffffffu", "min(a, b)")}
${emulate("subgroupMax", type, `${type}(-1000.0)`, "max(a, b)")}
${emulate("subgroupAdd", type, `${type}(0.0)`, "a + b")}
${functions}
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(${groupThreads}) fn main(@builtin(local_invocation_index) local: u32) {
  thread = local;
  y[local] = ${name}(f32(local * local % 97u) - 100.0, local);
  y[local + ${groupThreads}u] = ${name}(-f32(local) - 1.0, local);
}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

onDevice("reductions of a workgroup", () => {
  describe("reductions of a workgroup", () => {
    let device: GPUDevice;
    beforeAll(async () => {
      device = await (await (await findGpu()).from.requestAdapter())!.requestDevice();
    });
    afterAll(() => device.destroy());

    async function run(code: string): Promise<Float32Array> {
      device.pushErrorScope("validation");
      const module = device.createShaderModule({ code });
      const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
      const size = 2 * groupThreads * 4;
      const out = device.createBuffer({ size, usage: 0x80 | 0x4 });
      const target = device.createBuffer({ size, usage: 0x1 | 0x8 });
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      const entries = [{ binding: 0, resource: { buffer: out } }];
      pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
      pass.dispatchWorkgroups(1);
      pass.end();
      encoder.copyBufferToBuffer(out, 0, target, 0, size);
      device.queue.submit([encoder.finish()]);
      expect((await device.popErrorScope())?.message).toBeUndefined();
      await target.mapAsync(1);
      return new Float32Array(target.getMappedRange().slice(0));
    }

    const first = Array.from({ length: groupThreads }, (_, at) => ((at * at) % 97) - 100);
    const second = Array.from({ length: groupThreads }, (_, at) => -at - 1);
    test.each(Object.entries(partitions))("%s", async (_, partition) => {
      for (const [reduction, wanted] of [
        [sumOf("f32"), [sum(first), sum(second)]],
        [maxOf("f32"), [Math.max(...first), Math.max(...second)]],
      ] as const) {
        const got = await run(shader(partition, reduction, printReductions(true, reduction)));
        expect([...new Set(got.subarray(0, groupThreads))]).toEqual([wanted[0]]);
        expect([...new Set(got.subarray(groupThreads))]).toEqual([wanted[1]]);
      }
    });
  });
});
