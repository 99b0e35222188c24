/** Tensors, autograd, randomness and the Backend interface of modernbert-ts. No device code, no Node API. */
export * from "./errors.ts";
export * from "./dtype.ts";
export * from "./shape.ts";
export * from "./backend/backend.ts";
export * from "./backend/primitives.ts";
export * from "./backend/fused.ts";
export { constant, expressionKey, inputCount, maxMapInputs, x } from "./scalar/expression.ts";
export type { Expression } from "./scalar/expression.ts";
export { scalar, sigmoid } from "./scalar/functions.ts";
export type { Operand, ScalarBuilders } from "./scalar/functions.ts";
export { scalarTable } from "./scalar/table.ts";
export type { ScalarFunction, ScalarFunctionName } from "./scalar/table.ts";
export { differentiate } from "./scalar/derivative.ts";
export { compileProgram } from "./scalar/program.ts";
export type { Instruction, Program } from "./scalar/program.ts";
export { erf } from "./scalar/erf.ts";
