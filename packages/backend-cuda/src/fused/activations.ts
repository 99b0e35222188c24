/** The numbers of the activations in commands (native/kernels/elementwise/activations.h). */
import type { Activation } from "@modernbert-ts/tensor-core";

export const activationNumbers: Readonly<Record<Activation, number>> = { gelu: 0, gelu_tanh: 1, silu: 2, relu: 3 };
