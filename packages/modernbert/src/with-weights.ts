/** A model on a device to the same model with weights in fewer bytes. */
import { CheckpointError, WeightStore } from "@modernbert-ts/encoder";
import type { WeightFormat } from "@modernbert-ts/encoder";
import { ModernBert } from "./model.ts";

/**
 * The same model for inference with other weights; `model` is disposed. Reads every parameter back: `loadModel` takes them from the
 * file, one at a time.
 * @throws CheckpointError unless the parameters are f32.
 */
export async function withWeights(model: ModernBert, format: WeightFormat): Promise<ModernBert> {
  if (format === "f32") return model;
  const { runtime, config, head, precision } = model;
  const specs = model.kind.parameters(config, head);
  const store = new WeightStore(runtime, format, "f32");
  try {
    for (const [name, parameter] of model.parameters) {
      const values = await parameter.read();
      if (!(values instanceof Float32Array)) {
        throw new CheckpointError("withWeights", `expected ${name} in f32, got ${parameter.dtype}`);
      }
      store.put(name, specs.get(name)!, values);
    }
    const { parameters, quantized } = store;
    const lighter = new ModernBert({ runtime, config, head, parameters, quantized, precision });
    model.dispose();
    return lighter;
  } catch (error) {
    store.dispose();
    throw error;
  }
}
