/** Products of the base model in bf16, forward, for the inputs and for the weights (in f32). */
import { matmul, transpose } from "../../../../packages/tensor-core/dist/index.js";
import { filled } from "./tensors.mjs";

/** name, rows, inputs, outputs */
const settings = [
  ["Wqkv", 65_536, 768, 2304],
  ["Wo", 65_536, 768, 768],
  ["Wi", 65_536, 768, 2304],
  ["Wo of the MLP", 65_536, 1152, 768],
  ["decoder", 8192, 768, 50_368],
];

export function productCases(emulate) {
  return settings.flatMap(([name, ...full]) => {
    const [rows, inputs, outputs] = emulate ? [48, 32, 40] : full;
    const flops = 2 * rows * inputs * outputs;
    const bytes = 2 * (rows * inputs + inputs * outputs + rows * outputs);
    const given = (runtime) => [
      filled(runtime, [rows, inputs], "bf16"),
      filled(runtime, [outputs, inputs], "bf16"),
      filled(runtime, [rows, outputs], "bf16"),
    ];
    const ways = {
      forward: ([x, w]) => matmul(x, transpose(w, 0, 1)),
      "gradient of the input": ([, w, dy]) => matmul(dy, w),
      "gradient of the weight": ([x, , dy]) => matmul(transpose(dy, 0, 1), x, "f32"),
    };
    return Object.entries(ways).map(([way, body]) => ({
      name: `product ${name}, ${way}`,
      inputs: given,
      body,
      work: { forward: { flops, bytes: way.endsWith("weight") ? bytes + 2 * inputs * outputs : bytes } },
    }));
  });
}
