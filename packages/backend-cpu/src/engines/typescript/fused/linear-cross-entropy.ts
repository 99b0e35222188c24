/**
 * Output projection and cross-entropy, a few rows of logits at a time. In training the forward pass leaves behind the gradients for
 * an incoming gradient of 1 (the loss is a sum, so any other is a factor): the logits need not be computed twice.
 */
import { expectDtypes } from "@modernbert-ts/device-kit";
import { DeviceValueError, sizeOf } from "@modernbert-ts/tensor-core";
import type { FusedKernel, View } from "@modernbert-ts/tensor-core";
import { readRun, scratch } from "../operand.ts";
import type { Block, Operand } from "../operand.ts";
import { fillDense, matrix, multiply, transpose } from "./matrix.ts";

/** Doubles of logits that are held at a time. */
const blockElements = 2 ** 22;
/** The matmul kernel works in the scratch slots below. */
const [logitSlot, biasSlot] = [4, 5];

export function linearCrossEntropyKernel(resolve: (view: View) => Operand): FusedKernel<"linearCrossEntropy"> {
  return {
    supports: ({ inputs }) => expectDtypes("linearCrossEntropy", inputs),
    saved: ({ inputs: [hidden, weight, bias] }) => [hidden!, weight!, ...(bias ? [bias] : [])],
    backwardReads: { inputs: [], outputs: [] },

    forward({ inputs, outputs, saved }) {
      const [hidden, weight, bias, labels] = inputs.map((view) => view && resolve(view));
      const [gradHidden, gradWeight, gradBias] = saved.map(resolve);
      const rows = hidden!.shape[0]!;
      const classes = weight!.shape[0]!;
      const biases = scratch(biasSlot, classes).fill(0, 0, classes);
      if (bias) readRun(bias, bias.offset, 1, classes, biases, 0);
      const totals = { loss: 0, correct: 0, badLabel: -1 };
      if (gradWeight) fillDense(gradWeight, 0);
      if (gradBias) fillDense(gradBias, 0);

      const blockRows = Math.max(1, Math.min(rows, Math.floor(blockElements / classes)));
      for (let start = 0; start < rows; start += blockRows) {
        const count = Math.min(blockRows, rows - start);
        const block = scratch(logitSlot, count * classes);
        const logits = matrix("f64", block, 0, [count, classes], [classes, 1]);
        const states = rowsOf(hidden!, start, count);
        multiply(logits, states, transpose(weight!));
        for (let row = 0; row < count; row++) {
          const label = labels!.data[labels!.offset + start + row]!;
          lossOfRow(block.subarray(row * classes, (row + 1) * classes), biases, label, totals);
        }
        if (gradHidden) multiply(rowsOf(gradHidden, start, count), logits, weight!);
        if (gradWeight) multiply(gradWeight, transpose(logits), states, { accumulate: true });
        if (gradBias) addColumns(gradBias, block, count, classes);
      }

      const [loss, correct] = outputs.map(resolve);
      fillDense(loss!, totals.loss);
      fillDense(correct!, totals.correct);
      if (totals.badLabel >= 0) {
        throw new DeviceValueError("linearCrossEntropy", `expected labels below ${classes}, got ${totals.badLabel}`);
      }
    },

    backward({ saved, gradOutputs: [gradLoss], gradInputs }) {
      const incoming = gradLoss ? resolve(gradLoss) : undefined;
      const factor = incoming ? incoming.data[incoming.offset]! : 0;
      saved.forEach((view, at) => {
        const result = gradInputs[at];
        if (result) scaleInto(resolve(result), resolve(view), factor);
      });
    },
  };
}

/** Adds a row to the totals and replaces its logits by their gradient: probabilities, less 1 at the label. */
function lossOfRow(
  row: Float64Array,
  biases: Float64Array,
  label: number,
  totals: { loss: number; correct: number; badLabel: number },
): void {
  if (label < 0 || label >= row.length) {
    if (label >= 0) totals.badLabel = label;
    row.fill(0);
    return;
  }
  let largest = -Infinity;
  let first = 0;
  for (let i = 0; i < row.length; i++) {
    const logit = row[i]! + biases[i]!;
    row[i] = logit;
    if (logit > largest) first = i;
    largest = Math.max(largest, logit);
  }
  const atLabel = row[label]!;
  let total = 0;
  for (let i = 0; i < row.length; i++) {
    const value = Math.exp(row[i]! - largest);
    row[i] = value;
    total += value;
  }
  for (let i = 0; i < row.length; i++) row[i]! /= total;
  row[label]! -= 1;
  totals.loss += Math.log(total) + largest - atLabel;
  totals.correct += first === label ? 1 : 0;
}

function rowsOf(operand: Operand, start: number, count: number): Operand {
  const width = operand.shape[1]!;
  return matrix(operand.dtype, operand.data, operand.offset + start * width, [count, width], [width, 1]);
}

function addColumns(total: Operand, block: Block, rows: number, columns: number): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      total.data[total.offset + column]! += block[row * columns + column]!;
  }
}

function scaleInto(target: Operand, source: Operand, factor: number): void {
  const size = sizeOf(source.shape);
  for (let i = 0; i < size; i++) target.data[target.offset + i] = source.data[source.offset + i]! * factor;
}
