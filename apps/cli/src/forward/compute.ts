/** Runs the model once on an input file's batch and lists what the output file holds. */
import { disposeBatch, pad, planHead, readOnce } from "@modernbert-ts/encoder";
import type { DeviceBatch, Encoder, ForwardInputs, HeadPlan } from "@modernbert-ts/encoder";
import type { TensorEntry } from "@modernbert-ts/safetensors";
import { valueAndGradients } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { CliError } from "../errors.ts";

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
  model: Encoder,
  inputs: ForwardInputs,
  gradients: boolean,
  write: (entries: readonly TensorEntry[]) => Promise<void>,
): Promise<void> {
  const { runtime, parameters } = model;
  const { unpadded } = inputs;
  const plan = planHead(model, inputs);
  const batch = model.upload(unpadded.batch);
  const computed = run(model, batch, plan, gradients);
  const { hidden, loss } = computed;
  try {
    const entries: TensorEntry[] = [
      {
        name: "last_hidden_state",
        dtype: "F32",
        shape: [...unpadded.shape, model.info.hiddenSize],
        data: async () => pad(await readOnce(runtime, () => hidden), unpadded),
      },
    ];
    for (const { name, shape, read } of plan.outputs) {
      entries.push({ name, dtype: "F32", shape, data: () => read(hidden, batch) });
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
    disposeBatch(batch);
  }
}

function run(model: Encoder, batch: DeviceBatch, { loss }: HeadPlan, gradients: boolean): Computed {
  const { runtime, parameters } = model;
  const forward = (): { hidden: Tensor; loss: Tensor | undefined } => {
    const hidden = model.forward(batch);
    return { hidden, loss: loss?.(hidden, batch) };
  };
  if (!gradients) return { ...runtime.scope(forward), gradients: [] };
  if (!loss)
    throw new CliError("expected labels in the input for --gradients, got none: add them or leave --gradients out");
  const result = valueAndGradients(runtime, [...parameters.values()], forward, (value) => value.loss!);
  return { ...result.value, gradients: result.gradients };
}
