/** TensorFlow.js with its backend in JavaScript, for the tests. */
import * as tf from "@tensorflow/tfjs-core";

/** Keeps it from recommending faster backends. */
tf.env().set("IS_TEST", true);
await import("@tensorflow/tfjs-backend-cpu");
await tf.setBackend("cpu");

export { tf };
