/** What GLUE counts: accuracy, F1 and Matthews' correlation of classes; Pearson's and Spearman's of numbers. */
import type { EncoderInfo } from "@modernbert-ts/encoder";
import type { ExampleRow } from "../../data/examples/example-row.ts";
import { accuracy, binaryF1, macroF1, matthews, microF1 } from "../../metrics/classes.ts";
import { pearson, spearman } from "../../metrics/correlation.ts";
import { largest } from "../../metrics/largest.ts";
import type { HeldOutMetrics } from "../objective.ts";

/** Label and prediction of an example: classes, or a number for each label. */
type Scored = readonly [wanted: readonly number[], predicted: readonly number[]];

export function sequenceMetrics({
  problemType,
  labels,
}: Pick<EncoderInfo, "problemType" | "labels">): HeldOutMetrics<ExampleRow, Scored> {
  switch (problemType) {
    case "regression":
      return heldOutOf(labels.length, {
        metrics: [
          { name: "pearson", title: "Pearson correlation", format: "number" },
          { name: "spearman", title: "Spearman correlation", format: "number" },
        ],
        summarise(items) {
          const [wanted, predicted] = [0, 1].map((side) => items.map((item) => item[side]![0]!)) as [
            number[],
            number[],
          ];
          return { pearson: pearson(wanted, predicted), spearman: spearman(wanted, predicted) };
        },
      });
    case "multi_label_classification":
      return heldOutOf(labels.length, {
        metrics: [
          { name: "accuracy", title: "accuracy of all labels of a text", format: "share" },
          { name: "microF1", title: "micro F1", format: "share" },
          { name: "macroF1", title: "macro F1", format: "share" },
        ],
        summarise(items) {
          const sets = items.map(([wanted, logits]) => [wanted, logits.map((logit) => Number(logit > 0))] as const);
          const right = sets.filter(([wanted, predicted]) => wanted.join() === predicted.join()).length;
          const ofLabel = (label: number): [number[], number[]] => [
            sets.map(([wanted]) => wanted[label]!),
            sets.map(([, predicted]) => predicted[label]!),
          ];
          return {
            accuracy: right / items.length,
            microF1: microF1(labels.map((_, label) => ofLabel(label))),
            macroF1: labels.reduce((sum, _, label) => sum + binaryF1(...ofLabel(label)), 0) / labels.length,
          };
        },
      });
    default:
      return heldOutOf(labels.length, {
        metrics: [
          { name: "accuracy", title: "accuracy", format: "share" },
          labels.length === 2
            ? { name: "f1", title: `F1 of ${labels[1]!}`, format: "share" }
            : { name: "macroF1", title: "macro F1", format: "share" },
          { name: "matthews", title: "Matthews correlation", format: "number" },
        ],
        summarise(items) {
          const wanted = items.map(([classes]) => classes[0]!);
          const predicted = items.map(([, logits]) => largest(logits));
          const f1 =
            labels.length === 2
              ? { f1: binaryF1(wanted, predicted) }
              : { macroF1: macroF1(wanted, predicted, labels.length) };
          return { accuracy: accuracy(wanted, predicted), ...f1, matthews: matthews(wanted, predicted, labels.length) };
        },
      });
  }
}

function heldOutOf(
  classes: number,
  rest: Pick<HeldOutMetrics<ExampleRow, Scored>, "metrics" | "summarise">,
): HeldOutMetrics<ExampleRow, Scored> {
  return {
    ...rest,
    collect: ({ values }, logits) =>
      values.map((wanted, at) => [[...wanted], [...logits.subarray(at * classes, (at + 1) * classes)]]),
  };
}
