/** A generator and the model that finds its replacements, as the loop sees them: one step trains both. */
import { maskedLmLoss, overwriteScored, uploadScored } from "@modernbert-ts/encoder";
import { tokenClassificationLogits, tokenClassificationLoss } from "@modernbert-ts/encoder";
import type { DeviceBatch, Encoder, ScoredTokens } from "@modernbert-ts/encoder";
import { add, mul, scale } from "@modernbert-ts/tensor-core";
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
import { dropoutOf, overwriteDraw, uploadDraw } from "../dropout-draw.ts";
import type { RowDraw, TrainableModel } from "../objective.ts";
import { choiceOf, numberOf } from "../settings.ts";
import type { SettingValues } from "../settings.ts";
import { corrupt, sample as sampleTokens } from "./corrupt.ts";
import type { Originals, Sample } from "./corrupt.ts";
import { createGenerator, generators } from "./generator.ts";
import { correctOf, countsOf, detectionHeldOut, detectionMetrics } from "./metrics.ts";
import type { DetectionRow } from "./row.ts";

export interface DeviceDetectionRow {
  /** As the generator reads it, with masks. */
  readonly masked: DeviceBatch;
  /** As the model does, but for its ids. */
  readonly batch: DeviceBatch;
  readonly scored: ScoredTokens;
  readonly originals: Originals;
  readonly count: number;
  /** Scored tokens for each masked one, [1]: the loop divides by the former. */
  readonly perMasked: Tensor;
  readonly draw: Tensor | undefined;
  /** Of what is sampled, in evaluations too. */
  readonly sampling: Tensor;
}

/** Streams of their own beside those of dropout. */
const samplingStream = 0x52544401;
const generatorSeed = (seed: number): number => (seed ^ 0x9e3779b9) >>> 0;

/** @param sample of the generator's tokens. */
export function replacedTokenDetectionModel(
  encoder: Encoder,
  { seed }: { readonly seed: number },
  values: SettingValues,
  sample: Sample = sampleTokens,
): TrainableModel<DetectionRow, DeviceDetectionRow> {
  const { runtime } = encoder;
  const kind = choiceOf(values, "generator", generators);
  const generator = createGenerator(encoder, { kind, layers: numberOf(values, "generator_layers"), seed });
  const weight = numberOf(values, "weight");
  return {
    runtime,
    parameters: generator.parameters,
    copies: generator.copies,
    ...(generator.frozen && { frozen: generator.frozen }),
    settle: generator.settle,
    dispose: generator.dispose,
    metrics: detectionMetrics,
    heldOut: detectionHeldOut,
    upload(row, step) {
      const masked = generator.encoder.upload(row);
      const ids = (host: Int32Array): Tensor => runtime.tensor(host, [host.length], "i32");
      return {
        masked,
        batch: encoder.upload(row),
        scored: uploadScored(generator.encoder, row.ids.length, row.maskedPositions, row.maskedLabels),
        originals: { ids: masked.ids, labels: ids(row.labels), unscored: ids(row.unscored) },
        count: row.scored,
        perMasked: runtime.tensor([perMasked(row)], [1], encoder.precision.reduce),
        draw: uploadDraw(runtime, step),
        sampling: uploadDraw(runtime, step ?? evaluationDraw(row))!,
      };
    },
    overwrite(device, row, step) {
      generator.encoder.overwrite(device.masked, row);
      encoder.overwrite(device.batch, row);
      overwriteScored(generator.encoder, device.scored, row.ids.length, row.maskedPositions, row.maskedLabels);
      runtime.write(device.originals.labels, row.labels);
      runtime.write(device.originals.unscored, row.unscored);
      runtime.write(device.perMasked, Float32Array.of(perMasked(row)));
      overwriteDraw(device.draw, step);
      overwriteDraw(device.sampling, step ?? evaluationDraw(row));
    },
    forward({ masked, batch, scored, originals, count, perMasked: factor, draw, sampling }) {
      const guessed = generator.encoder.forward(masked, dropoutOf(draw, generatorSeed(seed)));
      const mlm = maskedLmLoss(generator.encoder, guessed, scored, { numItems: 1 });
      const corrupted = withoutTape(runtime, () =>
        corrupt(
          originals,
          scored,
          sample(generator.encoder, guessed, scored, { seed, stream: samplingStream, step: sampling }),
        ),
      );
      const options = dropoutOf(draw, seed);
      const hidden = encoder.forward({ ...batch, ids: corrupted.ids }, options);
      const logits = tokenClassificationLogits(encoder, hidden, options);
      const labels = { values: corrupted.labels, count };
      const { lossSum: detection } = tokenClassificationLoss(logits, labels, { numItems: 1 });
      const guessing = mul(mlm.lossSum, factor);
      return {
        lossSum: add(guessing, scale(detection, weight)),
        sums: [guessing, mul(mlm.correct, factor), detection, correctOf(logits, labels.values)],
        ...(runtime.tape ? {} : { predictions: countsOf(logits, labels.values) }),
      };
    },
  };
}

function perMasked({ scored, maskedPositions }: DetectionRow): number {
  return scored / maskedPositions.length;
}

/** The same in every evaluation. */
function evaluationDraw({ sequences: [first] }: DetectionRow): RowDraw {
  return { step: first!.document, row: first!.chunk % 2 ** 16 };
}

/** What `body` makes has no history, and saves nothing for gradients. */
function withoutTape<T>(runtime: Runtime, body: () => T): T {
  const { tape } = runtime;
  runtime.tape = undefined;
  try {
    return body();
  } finally {
    runtime.tape = tape;
  }
}
