/** What the card can do at best, measured in each run: a copy by the driver, and a product of 8192 × 8192 in bf16. */
import { matmul, Runtime, transpose } from "../../../packages/tensor-core/dist/index.js";
import { filled } from "./kernels/tensors.mjs";
import { probe } from "./probes.mjs";
import { millisecondsOf } from "./timing.mjs";

/** @returns {Promise<{ gigabytesPerSecond?: number, teraflops?: number }>} */
export async function measureCeilings({ record, backend, emulate, root }) {
  const copy = await record.part("ceiling: copy", () => {
    const [line] = probe(root, emulate, ["copy", String(emulate ? 2 ** 20 : 2 ** 30)]);
    if (line?.error) throw new Error(line.error);
    return { gigabytesPerSecond: line.gigabytesPerSecond };
  });
  const size = emulate ? 64 : 8192;
  const runtime = new Runtime(backend);
  const product = await record.part("ceiling: product", async () => {
    const [a, b] = [0, 1].map(() => filled(runtime, [size, size], "bf16"));
    const queue = () => runtime.scope(() => void matmul(a, transpose(b, 0, 1)));
    const milliseconds = await millisecondsOf(backend, queue, { emulate });
    for (const tensor of [a, b]) tensor.dispose();
    return { size, milliseconds, teraflops: (2 * size ** 3) / (milliseconds * 1e9) };
  });
  backend.trim();
  return { gigabytesPerSecond: copy?.gigabytesPerSecond, teraflops: product?.teraflops };
}
