/** An update of all parameters of the base model, and the norm of their gradients. */
import { parameterShapes } from "../../../../packages/modernbert/dist/index.js";
import {
  globalNorm,
  Runtime,
  stableAdamWAll,
  stableAdamWControl,
  zeros,
} from "../../../../packages/tensor-core/dist/index.js";
import { Skip } from "../recorder.mjs";
import { millisecondsOf, rates } from "../timing.mjs";
import { configOf } from "../workload.mjs";
import { filled } from "./tensors.mjs";

const hyper = {
  learningRate: 1e-4,
  maxLearningRate: 1e-4,
  beta1: 0.9,
  beta2: 0.98,
  eps: 1e-6,
  weightDecay: 1e-5,
  step: 2,
};

export async function measureOptimizer({ record, backend, emulate }, ceiling) {
  const shapes = [...parameterShapes(configOf("base", emulate), "masked-lm").values()];
  const count = shapes.reduce((total, shape) => total + shape.reduce((a, b) => a * b, 1), 0);
  const measure = async (composite, bytes, queueOf) => {
    if (!backend.fused[composite]) throw new Skip(`the backend has no fused ${composite}`);
    const runtime = new Runtime(backend, { fusion: "fused" });
    const made = [];
    const keep = (tensor) => (made.push(tensor), tensor);
    try {
      const queue = queueOf(runtime, keep);
      const milliseconds = await millisecondsOf(backend, () => runtime.scope(queue), { emulate });
      return { parameters: count, ...rates(milliseconds, { bytes }, ceiling) };
    } finally {
      for (const tensor of made) tensor.dispose();
      backend.trim();
    }
  };
  // p, m and v are read and written, g is read twice, p, m and v once more for the update's size, the bf16 copy is written.
  await record.part("optimizer", () =>
    measure("stableAdamWAll", 38 * count, (runtime, keep) => {
      const slots = shapes.map((shape) => ({
        parameter: keep(filled(runtime, shape)),
        gradient: keep(filled(runtime, shape)),
        m: keep(zeros(runtime, shape)),
        v: keep(zeros(runtime, shape)),
        copy: keep(filled(runtime, shape, "bf16")),
        group: 0,
      }));
      const controls = keep(runtime.tensor(stableAdamWControl(hyper), [1, 5]));
      const one = keep(runtime.tensor([1], [1]));
      return () => stableAdamWAll(slots, controls, one);
    }),
  );
  await record.part("global norm", () =>
    measure("globalNorm", 4 * count, (runtime, keep) => {
      const gradients = shapes.map((shape) => keep(filled(runtime, shape)));
      return () => void globalNorm(gradients);
    }),
  );
}
