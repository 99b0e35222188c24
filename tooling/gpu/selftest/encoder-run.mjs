/** Forward passes of an encoder in bf16. */
import { padToBucket } from "../../../packages/encoder/dist/index.js";
import { initialiseParameters, ModernBert } from "../../../packages/modernbert/dist/index.js";
import { bfloat16Precision, disposeTensors, Runtime } from "../../../packages/tensor-core/dist/index.js";
import { packedOf } from "./workload.mjs";

const precision = { ...bfloat16Precision, residual: "bf16" };

export function createEncoder(backend, config, head = "none") {
  const runtime = new Runtime(backend);
  const parameters = initialiseParameters(runtime, config, head, { seed: 1 });
  const model = new ModernBert({ runtime, config, head, parameters, precision });
  // Inference holds its matrices in bf16, too.
  model.holdCopies();
  return { runtime, model, config };
}

/** A batch on the device, a function that queues its forward, and one that frees it. */
export function forwardOf({ runtime, model, config }, lengths) {
  const batch = model.upload(packedOf(lengths, config));
  const queue = () => runtime.scope(() => void model.forward(batch));
  return { batch, queue, dispose: () => disposeTensors(batch) };
}

/** Captured once for the batch's sizes: a function that brings other ids, runs, and gives the means of all texts, read. */
export function capturedOf(encoder, lengths, pool) {
  const { runtime, model, config } = encoder;
  const packed = packedOf(lengths, config);
  const tokens = Math.ceil((packed.ids.length + 1) / 16) * 16;
  const bucket = { tokens, sequences: lengths.length + 1, maxSeqlen: Math.max(...lengths, 16) };
  const padded = padToBucket(packed, bucket, 0);
  const batch = model.upload(padded);
  const captured = runtime.capture(() => runtime.scope(() => pool(model.forward(batch), batch, "mean")));
  return {
    async run() {
      model.overwrite(batch, padded);
      captured.replay();
      return captured.value.read();
    },
    dispose() {
      captured.dispose();
      disposeTensors(batch);
    },
  };
}
