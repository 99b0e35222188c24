/** `matmul`: batches of products. */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { read, write } from "../operand.ts";
import type { Operand } from "../operand.ts";
import { broadcast } from "../shaping.ts";
import type { TfModule, TfTensor } from "../tfjs.ts";

interface Factor {
  /** [batch or 1, rows, columns]; with rows and columns exchanged where `transposed`. */
  readonly matrices: TfTensor;
  readonly transposed: boolean;
}

export function matmulKernels(tf: TfModule): Pick<PrimitiveKernels<Operand>, "matmul"> {
  /** Matrices that lie column by column are read in that order, and left to the product to transpose. */
  function factorOf(operand: Operand): Factor {
    const [rowStride, columnStride] = operand.strides.slice(-2) as [number, number];
    const transposed = rowStride < columnStride;
    const turned = transposed ? exchanged(operand) : operand;
    const x = read(tf, turned);
    const batch = x.shape.slice(0, -2);
    const shared = sizeOf(batch) === 1;
    const matrix = turned.shape.slice(-2);
    const whole = broadcast(tf, x, [...(shared ? batch : turned.shape.slice(0, -2)), ...matrix]);
    return { matrices: tf.reshape(whole, [shared ? 1 : sizeOf(turned.shape.slice(0, -2)), ...matrix]), transposed };
  }

  function product(a: Operand, b: Operand, shape: readonly number[]): TfTensor {
    if (a.shape.at(-1) === 0) return tf.zeros([...shape], "float32");
    const [left, right] = [factorOf(a), factorOf(b)];
    const batches = tf.matMul(left.matrices, right.matrices, left.transposed, right.transposed);
    const batch = batches.shape[0] === 1 ? shape.slice(2).map(() => 1) : shape.slice(0, -2);
    return tf.reshape(batches, [...batch, ...shape.slice(-2)]);
  }

  return {
    matmul([out], [a, b], { alpha, accumulate }) {
      if (sizeOf(out!.shape) === 0) return;
      const plain = product(a!, b!, out!.shape);
      const scaled = alpha === 1 ? plain : tf.mul(plain, tf.scalar(alpha, "float32"));
      write(tf, out!, accumulate ? tf.add(read(tf, out!), scaled) : scaled);
    },
  };
}

/** The transposed matrices. */
function exchanged(operand: Operand): Operand {
  return { ...operand, shape: exchange(operand.shape), strides: exchange(operand.strides) };
}

function exchange(values: readonly number[]): number[] {
  return [...values.slice(0, -2), values.at(-1)!, values.at(-2)!];
}
