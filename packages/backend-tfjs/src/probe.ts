/** Whether a TensorFlow.js backend computes as this one needs it: some keep floats in 16 bits, or whole numbers in floats. */
import { UnsupportedError } from "@modernbert-ts/tensor-core";
import type { TfModule, TfTensor } from "./tfjs.ts";

/** Wide enough for products of matrix units, which may round what they multiply. */
const width = 64;
const fine = 1 + 2 ** -20;
const large = 2 ** 30 + 1;

/** @throws UnsupportedError that says what the backend does not do. */
export function checkArithmetic(tf: TfModule): void {
  const expect = (what: string, wanted: number, compute: () => TfTensor): void => {
    let got: ArrayLike<number> = [];
    try {
      tf.tidy(() => {
        got = compute().dataSync() as Int32Array;
      });
    } catch (error) {
      throw refusal(what, error instanceof Error ? error.message : String(error));
    }
    if (Array.from(got).some((value) => value !== wanted)) throw refusal(what, `${got[0]} for ${wanted}`);
  };
  const refusal = (what: string, got: string): UnsupportedError => {
    const name = `backend ${tf.getBackend()} of TensorFlow.js`;
    return new UnsupportedError(
      "createTfjsBackend",
      `expected ${what} that can be read at once, got ${got} on ${name}`,
    );
  };
  expect("whole numbers of 32 bits", large, () =>
    tf.add(tf.tensor1d(Int32Array.of(large - 1), "int32"), tf.scalar(1, "int32")),
  );
  expect("floats of 32 bits", fine, () =>
    tf.mul(tf.tensor1d(Float32Array.of(fine), "float32"), tf.scalar(1, "float32")),
  );
  expect("products of floats of 32 bits", fine, () => {
    const identity = tf.reshape(
      tf.tensor1d(
        Float32Array.from({ length: width * width }, (_, at) => (at % (width + 1) === 0 ? 1 : 0)),
        "float32",
      ),
      [width, width],
    );
    return tf.matMul(tf.broadcastTo(tf.scalar(fine, "float32"), [width, width]), identity, false, false);
  });
}
