/** An encoder with a head as the loop sees it, for objectives of labelled examples: each says what its loss reads, and the loss. */
import type { DeviceBatch, Encoder, ForwardOptions, PackedBatch } from "@modernbert-ts/encoder";
import { BatchError } from "@modernbert-ts/encoder";
import type { DType, Shape, Tensor } from "@modernbert-ts/tensor-core";
import type { ExampleRow } from "../data/examples/example-row.ts";
import { dropoutOf, overwriteDraw, uploadDraw } from "./dropout-draw.ts";
import type { HeldOutMetrics, JointLoss, MetricDefinition, ObjectiveOutput, TrainableModel } from "./objective.ts";

/** Numbers for the device. */
export interface HostTensor {
  readonly values: Int32Array | Float32Array;
  readonly shape: Shape;
}

export interface DeviceExampleRow<Name extends string = string> {
  readonly batch: DeviceBatch;
  /** Which sequences belong together; rows that take its place have the same. */
  readonly firstSequence: Int32Array;
  /** What the loss reads beside the batch. */
  readonly inputs: Readonly<Record<Name, Tensor>>;
  readonly draw: Tensor | undefined;
}

export interface ExampleModel<Name extends string, Row extends ExampleRow = ExampleRow> {
  readonly metrics: readonly MetricDefinition[];
  readonly heldOut: HeldOutMetrics<Row>;
  /** @throws BatchError where the values of a row do not fit the model. */
  inputs(row: Row): Readonly<Record<Name, HostTensor>>;
  /** @param hidden [T, d]. The loss is a sum, see `TrainableModel`. */
  output(hidden: Tensor, row: DeviceExampleRow<Name>, options: ForwardOptions): ObjectiveOutput;
}

/** The same where the loss looks at all rows of a step. */
export interface JointExampleModel<Name extends string, Row extends ExampleRow = ExampleRow> extends Omit<
  ExampleModel<Name, Row>,
  "output"
> {
  /** @param hidden [T, d]. */
  represent(hidden: Tensor, row: DeviceExampleRow<Name>, options: ForwardOptions): Tensor;
  /** Of what `represent` makes, in the dtype of reductions. */
  shape(row: DeviceExampleRow<Name>): Shape;
  loss(representations: readonly Tensor[], rows: readonly DeviceExampleRow<Name>[]): ObjectiveOutput;
}

/** @param options.seed of dropout. */
export function jointExampleModel<Name extends string, Row extends ExampleRow>(
  encoder: Encoder,
  options: { readonly seed: number },
  { represent, shape, loss, ...parts }: JointExampleModel<Name, Row>,
): TrainableModel<Row, DeviceExampleRow<Name>> {
  const alone = exampleModel(encoder, options, {
    ...parts,
    output: (hidden, row, forward) => loss([represent(hidden, row, forward)], [row]),
  });
  const joint: JointLoss<DeviceExampleRow<Name>> = {
    represent: (row) =>
      encoder.runtime.scope(() => {
        const forward = dropoutOf(row.draw, options.seed);
        return represent(encoder.forward(row.batch, forward), row, forward);
      }),
    representation: (row) => ({ shape: shape(row), dtype: encoder.precision.reduce }),
    loss,
  };
  return { ...alone, joint };
}

/** @param options.seed of dropout. */
export function exampleModel<Name extends string, Row extends ExampleRow>(
  encoder: Encoder,
  { seed }: { readonly seed: number },
  { metrics, heldOut, inputs, output }: ExampleModel<Name, Row>,
): TrainableModel<Row, DeviceExampleRow<Name>> {
  const { runtime, parameters, info } = encoder;
  const batchOf = ({ ids, typeIds, cuSeqlens, maxSeqlen }: Row): PackedBatch => ({
    ids,
    cuSeqlens,
    maxSeqlen,
    ...(info.typeVocabSize > 0 && { typeIds }),
  });
  return {
    runtime,
    parameters,
    copies: encoder.holdCopies(),
    metrics,
    heldOut,
    upload(row, step) {
      const uploaded = Object.entries<HostTensor>(inputs(row)).map(([name, { values, shape }]) => {
        const dtype: DType = values instanceof Int32Array ? "i32" : encoder.precision.reduce;
        return [name, runtime.tensor(values, shape, dtype)];
      });
      return {
        batch: encoder.upload(batchOf(row)),
        firstSequence: row.firstSequence,
        inputs: Object.fromEntries(uploaded) as Record<Name, Tensor>,
        draw: uploadDraw(runtime, step),
      };
    },
    overwrite(device, row, step) {
      if (device.firstSequence.join() !== row.firstSequence.join())
        throw new BatchError(
          "overwrite",
          "expected a row whose sequences belong together in the same way, got another",
        );
      encoder.overwrite(device.batch, batchOf(row));
      for (const [name, { values, shape }] of Object.entries<HostTensor>(inputs(row))) {
        const place = device.inputs[name as Name];
        if (place.shape.join() !== shape.join())
          throw new BatchError("overwrite", `expected ${name} [${place.shape.join(", ")}], got [${shape.join(", ")}]`);
        runtime.write(place, values);
      }
      overwriteDraw(device.draw, step);
    },
    forward(row) {
      const options = dropoutOf(row.draw, seed);
      return output(encoder.forward(row.batch, options), row, options);
    },
  };
}
