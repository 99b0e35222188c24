/** Multiply-adds per second that an adapter reaches with nothing else to do: what the share of the peak is taken of. */

const threads = 256;
const groups = 512;
/** vec4 accumulators of a thread: enough to hide the latency of one. */
const chains = 8;

/** @returns f32 GFLOP/s, the best of some runs. A multiply-add counts as two. */
export async function adapterPeak(device) {
  const names = Array.from({ length: chains }, (_, at) => `a${at}`);
  const code = `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read> steps: array<u32>;
@compute @workgroup_size(${threads}) fn main(@builtin(global_invocation_id) id: vec3u) {
  let m = vec4f(1.0 - f32(id.x) * 1e-9);
  let c = vec4f(1e-9);
  ${names.map((name, at) => `var ${name} = vec4f(f32(${at}u + id.x));`).join(" ")}
  for (var i = 0u; i < steps[0]; i++) { ${names.map((name) => `${name} = fma(${name}, m, c);`).join(" ")} }
  y[id.x] = dot(${names.join(" + ")}, vec4f(1.0));
}`;
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
  });
  const [storage, copyTarget] = [0x80, 8];
  const out = device.createBuffer({ size: threads * groups * 4, usage: storage });
  const steps = device.createBuffer({ size: 16, usage: storage | copyTarget });
  const bindings = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [out, steps].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const milliseconds = async (count) => {
    device.queue.writeBuffer(steps, 0, Uint32Array.of(count));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindings);
    pass.dispatchWorkgroups(groups);
    pass.end();
    const started = performance.now();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return performance.now() - started;
  };
  // As many steps as take some 50 ms, so that starting and waiting do not count.
  let count = 8;
  while ((await milliseconds(count)) < 50 && count < 2 ** 24) count *= 2;
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5; run++) best = Math.min(best, await milliseconds(count));
  for (const buffer of [out, steps]) buffer.destroy();
  return (threads * groups * chains * 4 * 2 * count) / (best * 1e6);
}
