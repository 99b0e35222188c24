/** Runs the model once on an input file's batch and lists what the output file holds. */
import { pad } from "@modernbert-ts/modernbert";
import type { ModernBert } from "@modernbert-ts/modernbert";
import type { TensorEntry } from "@modernbert-ts/safetensors";
import { valueAndGradients } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { CliError } from "../errors.ts";
import { planHead } from "./heads.ts";
import type { HeadPlan } from "./heads.ts";
import type { ForwardInputs } from "./read-inputs.ts";
import { readOnce } from "./read-once.ts";

interface Computed {
  readonly hidden: Tensor;
  readonly loss: Tensor | undefined;
  /** In the order of the parameters; undefined where the loss does not depend on one. */
  readonly gradients: readonly (Tensor | undefined)[];
}

/**
 * Calls `write` with last_hidden_state, the head's outputs, the loss where there are labels, and grad.* where asked for. Everything is
 * queued before, and read from the device one tensor at a time when `write` asks for its data.
 */
export async function compute(
  model: ModernBert,
  inputs: ForwardInputs,
  gradients: boolean,
  write: (entries: readonly TensorEntry[]) => Promise<void>,
): Promise<void> {
  const { runtime, parameters } = model;
  const { unpadded } = inputs;
  const plan = planHead(model, inputs);
  const computed = run(model, inputs, plan, gradients);
  const { hidden, loss } = computed;
  try {
    const entries: TensorEntry[] = [
      {
        name: "last_hidden_state",
        dtype: "F32",
        shape: [...unpadded.shape, model.config.hiddenSize],
        data: async () => pad(await readOnce(runtime, () => hidden), unpadded),
      },
    ];
    for (const { name, shape, read } of plan.outputs) {
      entries.push({ name, dtype: "F32", shape, data: () => read(hidden) });
    }
    if (loss) entries.push({ name: "loss", dtype: "F32", shape: [], data: () => readOnce(runtime, () => loss) });
    if (gradients) {
      [...parameters].forEach(([name, { shape, size }], at) => {
        const gradient = computed.gradients[at];
        const data = async (): Promise<Float32Array> =>
          gradient ? readOnce(runtime, () => gradient) : new Float32Array(size);
        entries.push({ name: `grad.${name}`, dtype: "F32", shape, data });
      });
    }
    await write(entries);
  } finally {
    for (const tensor of [hidden, loss, ...computed.gradients]) tensor?.dispose();
  }
}

function run(model: ModernBert, { unpadded }: ForwardInputs, { loss }: HeadPlan, gradients: boolean): Computed {
  const { runtime, parameters } = model;
  const { batch } = unpadded;
  const forward = (): { hidden: Tensor; loss: Tensor | undefined } => {
    const hidden = model.encode(batch);
    return { hidden, loss: loss?.(hidden) };
  };
  if (!gradients) return { ...runtime.scope(forward), gradients: [] };
  if (!loss)
    throw new CliError("expected labels in the input for --gradients, got none: add them or leave --gradients out");
  const result = valueAndGradients(runtime, [...parameters.values()], forward, (value) => value.loss!);
  return { ...result.value, gradients: result.gradients };
}
