/** transformers' names of the activations that are implemented. */
import type { Activation } from "@modernbert-ts/tensor-core";

export const activations: Readonly<Record<string, Activation>> = {
  gelu: "gelu",
  gelu_new: "gelu_tanh",
  gelu_pytorch_tanh: "gelu_tanh",
  silu: "silu",
  swish: "silu",
  relu: "relu",
};

/** The name that is written. */
export const activationNames: Readonly<Record<Activation, string>> = {
  gelu: "gelu",
  gelu_tanh: "gelu_pytorch_tanh",
  silu: "silu",
  relu: "relu",
};
