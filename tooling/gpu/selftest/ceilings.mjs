/** What the card can do at best, measured in each run: a copy by the driver, and a product of 8192 × 8192 in bf16. */
import { matmul, Runtime, transpose } from "../../../packages/tensor-core/dist/index.js";
import { filled } from "./kernels/tensors.mjs";
import { probe } from "./probes.mjs";
import { millisecondsOf } from "./timing.mjs";

/** Of each run, whatever parts are wanted. */
export async function measureCeilings({ record, backend, emulate, root }) {
  const copy = await record.part("ceiling: copy", () => copied(root, emulate), true);
  const product = await record.part("ceiling: product", () => multiplied(backend, emulate), true);
  return { gigabytesPerSecond: copy.gigabytesPerSecond, teraflops: product.teraflops };
}

function copied(root, emulate) {
  const [line] = probe(root, emulate, ["copy", String(emulate ? 2 ** 20 : 2 ** 30)]);
  if (line.error) throw new Error(line.error);
  return { gigabytesPerSecond: line.gigabytesPerSecond };
}

async function multiplied(backend, emulate) {
  const size = emulate ? 64 : 8192;
  const runtime = new Runtime(backend);
  const [a, b] = [0, 1].map(() => filled(runtime, [size, size], "bf16"));
  const queue = () => runtime.scope(() => void matmul(a, transpose(b, 0, 1)));
  const milliseconds = await millisecondsOf(backend, queue, { emulate });
  for (const tensor of [a, b]) tensor.dispose();
  backend.trim();
  return { size, milliseconds, teraflops: (2 * size ** 3) / (milliseconds * 1e9) };
}
