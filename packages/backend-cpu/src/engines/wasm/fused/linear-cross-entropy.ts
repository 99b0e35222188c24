/**
 * Output projection and cross-entropy, a few rows of logits at a time (wasm/assembly/cross-entropy.ts). In training the forward pass leaves
 * behind the gradients for an incoming gradient of 1: the loss is a sum, so any other is a factor.
 */
import { expectDtypes } from "@modernbert-ts/device-kit";
import { DeviceValueError, sizeOf } from "@modernbert-ts/tensor-core";
import type { FusedKernel } from "@modernbert-ts/tensor-core";
import { fillDense, transpose } from "../../typescript/fused/matrix.ts";
import type { Operand } from "../../typescript/operand.ts";
import { addressOf } from "../context.ts";
import type { WasmContext } from "../context.ts";
import { createMultiply } from "../matmul.ts";

/** Logits that are held at a time: 32 MiB. */
const blockElements = 2 ** 23;
const columnsPerTask = 1024;
const elementsPerTask = 16384;

export function linearCrossEntropy(context: WasmContext): FusedKernel<"linearCrossEntropy"> {
  const { resolve, threads, borrow } = context;
  const multiply = createMultiply(threads);

  return {
    supports: ({ inputs }) => expectDtypes("linearCrossEntropy", inputs),
    saved: ({ inputs: [hidden, weight, bias] }) => [hidden!, weight!, ...(bias ? [bias] : [])],
    backwardReads: { inputs: [], outputs: [] },

    forward({ inputs, outputs, saved }) {
      const [hidden, weight, bias, labels] = inputs.map((view) => (view ? resolve(view) : undefined));
      const [gradHidden, gradWeight, gradBias] = saved.map(resolve);
      const rows = hidden!.shape[0]!;
      const classes = weight!.shape[0]!;
      const blockRows = Math.max(1, Math.min(rows, Math.floor(blockElements / classes)));
      if (gradWeight) fillDense(gradWeight, 0);
      if (gradBias) fillDense(gradBias, 0);

      borrow("f32", [2, rows], (perRow) => {
        const [losses, hits] = [rowsOf(perRow, 0, 1), rowsOf(perRow, 1, 1)];
        borrow("f32", [blockRows, classes], (block) => {
          for (let start = 0; start < rows; start += blockRows) {
            const count = Math.min(blockRows, rows - start);
            const [logits, states] = [rowsOf(block, 0, count), rowsOf(hidden!, start, count)];
            multiply(logits, states, transpose(weight!));
            const elements = [labels!, losses, hits].map((each) => addressOf({ ...each, offset: each.offset + start }));
            const addresses = [addressOf(logits), addressOf(bias), ...elements];
            threads.run("crossEntropyRow", count, ...addresses, classes, gradHidden ? 1 : 0);
            if (gradHidden) multiply(rowsOf(gradHidden, start, count), logits, weight!);
            if (gradWeight) multiply(gradWeight, transpose(logits), states, { accumulate: true });
            if (gradBias) {
              const tasks = Math.ceil(classes / columnsPerTask);
              const both = [gradBias, logits].map(addressOf);
              threads.run("addColumns", tasks, ...both, count, classes, columnsPerTask);
            }
          }
        });
        const [lossSum, correct] = outputs.map(resolve);
        fillDense(lossSum!, sumOf(losses));
        fillDense(correct!, sumOf(hits));
      });
      checkLabels(labels!, classes);
    },

    backward({ saved, gradOutputs: [gradLoss], gradInputs }) {
      const incoming = gradLoss ? resolve(gradLoss) : undefined;
      const factor = incoming ? incoming.data[incoming.offset]! : 0;
      saved.forEach((view, at) => {
        const result = gradInputs[at];
        if (!result) return;
        const size = sizeOf(view.shape);
        const both = [result, view].map((each) => addressOf(resolve(each)));
        threads.run("scaleInto", Math.ceil(size / elementsPerTask), ...both, size, elementsPerTask, factor);
      });
    },
  };
}

/** Rows start … start+count-1 of a dense matrix. */
function rowsOf(matrix: Operand, start: number, count: number): Operand {
  const width = matrix.shape[1]!;
  return { ...matrix, shape: [count, width], offset: matrix.offset + start * width };
}

function sumOf({ data, offset, shape }: Operand): number {
  return Array.from(data.subarray(offset, offset + sizeOf(shape))).reduce((sum, value) => sum + value, 0);
}

function checkLabels({ data, offset, shape }: Operand, classes: number): void {
  const bad = data.subarray(offset, offset + shape[0]!).find((label) => label >= classes);
  if (bad === undefined) return;
  throw new DeviceValueError("linearCrossEntropy", `expected labels below ${classes}, got ${bad}`);
}
