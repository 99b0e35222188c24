/** Labels of padded rows, in the form in which the losses take them. */
import { unpadValues } from "../batch/padding.ts";
import { BatchError } from "../errors.ts";
import type { ForwardInputs, Labels } from "./definition.ts";

/** Labels that the head has no use for are an error: the loss that the user waits for would not come. @throws BatchError */
export function expectLabels({ labels }: ForwardInputs, head: string, names: readonly string[]): void {
  const wrong = [...labels.keys()].find((name) => !names.includes(name));
  if (wrong === undefined) return;
  throw new BatchError(
    "forward",
    `expected ${names.join(" and ") || "no labels"} for head ${head}, got ${wrong}: remove it`,
  );
}

/** Whole numbers of the given shape; undefined where the file has none. @throws BatchError when they are floats or of another shape. */
export function wholeLabels(
  { labels }: ForwardInputs,
  head: string,
  name: string,
  shape: readonly number[],
): Int32Array | undefined {
  const found: Labels | undefined = labels.get(name);
  if (found === undefined) return undefined;
  const { data } = found;
  if (data instanceof Int32Array && found.shape.join() === shape.join()) return data;
  throw new BatchError(
    "forward",
    `expected ${name} as integers of shape [${shape.join(", ")}] for ${head}, got ${data instanceof Int32Array ? "" : "floats of "}[${found.shape.join(", ")}]`,
  );
}

/** Labels [B, S] without the padded positions. */
export function tokenLabels(inputs: ForwardInputs, head: string): Int32Array | undefined {
  const labels = wholeLabels(inputs, head, "labels", inputs.shape);
  return labels && unpadValues(labels, inputs.unpadded);
}

/** Of each sequence [N]. */
interface AnswerPositions {
  readonly start: Int32Array;
  readonly end: Int32Array;
}

/** start_positions and end_positions, both or none. @throws BatchError when one of them is missing or of another shape. */
export function answerSpans(inputs: ForwardInputs, head: string): AnswerPositions | undefined {
  const [rows] = inputs.unpadded.shape;
  const start = wholeLabels(inputs, head, "start_positions", [rows]);
  const end = wholeLabels(inputs, head, "end_positions", [rows]);
  if (start && end) return { start: inSequence(start, inputs), end: inSequence(end, inputs) };
  if (start || end)
    throw new BatchError("forward", "expected start_positions and end_positions together, got one of them");
  return undefined;
}

/** Positions in padded rows to positions in the sequences; one on padding does not count, like one beyond the end. */
function inSequence(positions: Int32Array, { unpadded }: ForwardInputs): Int32Array {
  const [, columns] = unpadded.shape;
  return positions.map((position, row) => {
    const first = unpadded.indices[unpadded.batch.cuSeqlens[row]!]! - row * columns;
    const at = Math.max(position, 0) - first;
    return at < 0 ? columns : at;
  });
}
