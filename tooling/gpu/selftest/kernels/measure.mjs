/** Times a differentiable function forward and backward. */
import { Runtime, vjp } from "../../../../packages/tensor-core/dist/index.js";
import { Skip } from "../recorder.mjs";
import { millisecondsOf, rates } from "../timing.mjs";
import { filled } from "./tensors.mjs";

/**
 * A case: `composite` that it measures, `inputs(runtime)` (the differentiable ones), `constants(runtime)`, `body(inputs, constants)` → output or
 * outputs, `work.forward` and `work.backward` ({ flops, bytes } of a call).
 */
export async function measureCase({ record, backend, emulate }, ceiling, each) {
  const { name, composite, work } = each;
  await record.part(name, async () => {
    if (composite && !backend.fused[composite]) throw new Skip(`the backend has no fused ${composite}`);
    const runtime = new Runtime(backend, { fusion: "fused" });
    const made = [];
    const keep = (tensors) => (made.push(...tensors), tensors);
    try {
      const inputs = keep(each.inputs(runtime));
      const constants = keep(each.constants?.(runtime) ?? []);
      const body = () => each.body(inputs, constants);
      const options = { emulate };
      const forward = await millisecondsOf(backend, () => runtime.scope(() => void body()), options);
      const found = { forward: rates(forward, work.forward, ceiling) };
      if (!work.backward) return flat(found);
      const seeds = keep(seedsFor(runtime, body));
      const both = () => runtime.scope(() => void vjp(runtime, inputs, body, (out) => seedsOf(out, seeds)));
      const total = await millisecondsOf(backend, both, options);
      return flat({ ...found, backward: rates(total - forward, work.backward, ceiling) });
    } finally {
      for (const tensor of made) tensor.dispose();
      backend.trim();
    }
  });
}

const listOf = (out) => (Array.isArray(out) ? out : [out]);

/** A gradient for each output, in its shape. */
function seedsFor(runtime, body) {
  const specs = runtime.scope(() => listOf(body()).map(({ shape, dtype }) => ({ shape, dtype })));
  return specs.map(({ shape, dtype }) => filled(runtime, shape, dtype));
}

const seedsOf = (out, seeds) => listOf(out).map((output, at) => ({ output, gradient: seeds[at] }));

/** { forward: { milliseconds } } → { "forward milliseconds" }, for lines that people read. */
function flat(found) {
  return Object.fromEntries(
    Object.entries(found).flatMap(([pass, numbers]) =>
      Object.entries(numbers).map(([key, value]) => [`${pass} ${key}`, value]),
    ),
  );
}
