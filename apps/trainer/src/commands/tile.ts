/** `tile`: a larger model that starts from a trained smaller one, as ModernBERT large did from base. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ModernBert, presets, tileParameters, parameterShapes } from "@modernbert-ts/modernbert";
import type { ModernBertConfig } from "@modernbert-ts/modernbert";
import { loadModel, saveModel } from "@modernbert-ts/modernbert/node";
import { openRuntime } from "@modernbert-ts/pipelines";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { isAdapter } from "@modernbert-ts/training";
import { UserError } from "../errors.ts";
import { tokenizerFiles } from "../prepare/tokenizer.ts";

/**
 * Writes a model folder. Its config is the smaller one's in all but the shape.
 * @throws UserError when there is something at `output`; ConfigError when the smaller model is not smaller; CheckpointError.
 */
export async function tileModel(from: string, preset: string, output: string): Promise<void> {
  if (existsSync(output)) throw new UserError(`${output} exists already: choose another name or delete it`);
  if (isAdapter(from))
    throw new UserError(
      `${from} holds an adapter, no whole model: fold it into its base first with \`modernbert-train merge\``,
    );
  await using open = await openRuntime({ backend: "cpu" });
  const { runtime } = open;
  const { model: small } = await loadModel(from, { runtime, weights: "f32" });
  const { config, head } = small;
  const { layers, hiddenSize, numHeads, intermediateSize } = presets[preset as keyof typeof presets];
  const wanted: ModernBertConfig = { ...config, layers, hiddenSize, numHeads, intermediateSize };
  const values = new Map<string, Float32Array>();
  for (const [name, tensor] of small.parameters) values.set(name, (await tensor.read()) as Float32Array);
  small.dispose();
  const shapes = parameterShapes(wanted, head);
  const parameters = new Map<string, Tensor>();
  for (const [name, tiled] of tileParameters(values, config, wanted, head))
    parameters.set(name, runtime.keep(runtime.tensor(tiled, shapes.get(name)!)));
  const large = new ModernBert({ runtime, config: wanted, head, parameters });
  try {
    const files = tokenizerFiles
      .filter((name) => existsSync(join(from, name)))
      .map((name) => ({ name, content: readFileSync(join(from, name)) }));
    await saveModel(output, large, { files });
  } finally {
    large.dispose();
  }
}
