/** The adapter's peak in FLOP/s: independent chains of fused multiply-adds in registers, nothing read, one word written. */

const chains = 8;
const steps = 256;
const lanes = 4;
const names = Array.from({ length: chains }, (_, at) => `c${at}`);
const shader = `
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let a = vec4f(0.999, 0.998, 0.997, 0.996);
  let b = vec4f(f32(id.x) * 1e-9);
  ${names.map((name, at) => `var ${name} = b + ${at}.0;`).join(" ")}
  for (var i = 0u; i < ${steps}u; i++) { ${names.map((name) => `${name} = fma(${name}, a, b);`).join(" ")} }
  let sum = ${names.join(" + ")};
  if (sum.x + sum.y + sum.z + sum.w == 12345.678) { out[0] = sum.x; }
}`;

/** Grows the work until a run takes 50 ms, so that launching costs nothing beside it. */
export async function measureFmaPeak() {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  const device = await adapter.requestDevice();
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code: shader }), entryPoint: "main" },
  });
  const buffer = device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer } }],
  });
  const run = async (groups) => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(groups);
    pass.end();
    const started = performance.now();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return performance.now() - started;
  };
  let groups = 64;
  while (groups < 32_768 && (await run(groups)) < 50) groups *= 2;
  const times = [];
  for (let i = 0; i < 3; i++) times.push(await run(groups));
  device.destroy();
  return (groups * 64 * chains * lanes * steps * 2) / (Math.min(...times) / 1000);
}
