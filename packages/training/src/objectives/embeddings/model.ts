/** An encoder whose pooled vectors are compared with each other, as the loop sees it. */
import { pool } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import { add, cast, concat, gather, scale, slice } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { ExampleRow } from "../../data/examples/example-row.ts";
import { DataError } from "../../errors.ts";
import { jointExampleModel } from "../example-model.ts";
import type { DeviceExampleRow, HostTensor } from "../example-model.ts";
import type { TrainableModel } from "../objective.ts";
import { choiceOf, countsOf, numberOf, switchOf } from "../settings.ts";
import type { SettingValues } from "../settings.ts";
import { embeddingLossOf, infoNce, klLoss, scoredLoss, unit, vectorCosine, vectorMse } from "./losses.ts";
import type { EmbeddingLoss, Roles } from "./losses.ts";
import { embeddingMetrics } from "./metrics.ts";

/** Where sequences of each role stand in a row, i32; and the examples' numbers. */
type Input = "anchors" | "positives" | "negatives" | "targets";

export const poolings = ["mean", "cls"] as const;

export function embeddingModel(
  encoder: Encoder,
  options: { readonly seed: number },
  values: SettingValues,
): TrainableModel<ExampleRow, DeviceExampleRow<Input>> {
  const { hiddenSize } = encoder.info;
  const loss = embeddingLossOf(values);
  const pooling = choiceOf(values, "pooling", poolings);
  const widths = widthsOf(values, hiddenSize);
  const lossOf = lossFunction(loss, numberOf(values, "temperature"), switchOf(values, "symmetric"));
  return jointExampleModel(encoder, options, {
    metrics: [],
    heldOut: embeddingMetrics(loss, hiddenSize),
    inputs: (row) => inputsOf(row, loss === "mse" || loss === "cosine" ? hiddenSize : undefined),
    represent: (hidden, { batch }) => cast(pool(hidden, batch, pooling), encoder.precision.reduce),
    shape: ({ batch: { host } }) => [host.cuSeqlens.length - 1, hiddenSize],
    loss(representations, rows) {
      const roles = rolesOf(representations, rows);
      const sums = widths.map((width) => lossOf(cutTo(roles, width, loss)));
      const total = sums.reduce((sum, each) => add(sum, each));
      return { lossSum: widths.length === 1 ? total : scale(total, 1 / widths.length), sums: [] };
    },
  });
}

/** Matryoshka: the loss is the mean over vectors cut to each of these. */
function widthsOf(values: SettingValues, hiddenSize: number): readonly number[] {
  const asked = countsOf(values, "matryoshka_dims");
  const tooWide = asked.find((width) => width > hiddenSize);
  if (tooWide !== undefined)
    throw new DataError(
      "invalid",
      "embeddings",
      `expected embedding.matryoshka_dims of at most ${hiddenSize} (hidden_size), got ${tooWide}`,
    );
  return asked.length === 0 ? [hiddenSize] : asked;
}

function lossFunction(loss: EmbeddingLoss, temperature: number, symmetric: boolean): (roles: Roles) => Tensor {
  switch (loss) {
    case "info_nce":
      return (roles) => infoNce(roles, temperature, symmetric);
    case "scored":
      return scoredLoss;
    case "kl":
      return (roles) => klLoss(roles, temperature);
    case "mse":
      return vectorMse;
    case "cosine":
      return vectorCosine;
    default:
      throw new Error(`internal: unknown loss ${String(loss satisfies never)}`);
  }
}

/** @param width of a teacher's vectors; undefined where numbers are no vectors. */
function inputsOf({ firstSequence, values }: ExampleRow, width: number | undefined): Record<Input, HostTensor> {
  const starts = [...firstSequence.subarray(0, -1)];
  const ends = [...firstSequence.subarray(1)];
  const places = (of: (start: number, end: number) => number[]): HostTensor => {
    const all = Int32Array.from(starts.flatMap((start, at) => of(start, ends[at]!)));
    return { values: all, shape: [all.length] };
  };
  const numbers = values[0]!.length;
  const wrong = width === undefined ? undefined : values.find(({ length }) => length !== width);
  if (wrong)
    throw new DataError(
      "invalid",
      "embeddings",
      `expected teacher's vectors of ${width} numbers (hidden_size), got ${wrong.length}`,
    );
  return {
    anchors: places((start) => [start]),
    positives: places((start, end) => (end - start > 1 ? [start + 1] : [])),
    negatives: places((start, end) => Array.from({ length: Math.max(0, end - start - 2) }, (_, at) => start + 2 + at)),
    targets: { values: Float32Array.from(values.flatMap((own) => [...own])), shape: [values.length, numbers] },
  };
}

/** The roles of all rows together: row after row. */
function rolesOf(representations: readonly Tensor[], rows: readonly DeviceExampleRow<Input>[]): Roles {
  const picked = (role: Exclude<Input, "targets">): Tensor | null => {
    const parts = rows.flatMap(({ inputs }, at) =>
      inputs[role].size === 0 ? [] : [gather(representations[at]!, inputs[role])],
    );
    return joined(parts);
  };
  const targets = rows.map(({ inputs }) => inputs.targets).filter(({ size }) => size > 0);
  return {
    anchors: picked("anchors")!,
    positives: picked("positives"),
    negatives: picked("negatives"),
    targets: joined(targets),
  };
}

function joined(parts: readonly Tensor[]): Tensor | null {
  if (parts.length === 0) return null;
  return parts.length === 1 ? parts[0]! : concat(parts, 0);
}

/** The first `width` numbers of all vectors; of length 1, unless the loss is about the vectors as they are. */
function cutTo(roles: Roles, width: number, loss: EmbeddingLoss): Roles {
  const cut = (vectors: Tensor): Tensor => (vectors.shape[1] === width ? vectors : slice(vectors, 1, 0, width));
  if (loss === "mse" || loss === "cosine")
    return { ...roles, anchors: cut(roles.anchors), targets: cut(roles.targets!) };
  const made = (vectors: Tensor | null): Tensor | null => vectors && unit(cut(vectors));
  return {
    anchors: unit(cut(roles.anchors)),
    positives: made(roles.positives),
    negatives: made(roles.negatives),
    targets: roles.targets,
  };
}
