/** Tensors, autograd, randomness and the Backend interface of modernbert-ts. No device code, no Node API. */
export * from "./errors.ts";
export * from "./dtype.ts";
export * from "./shape.ts";
export * from "./backend/backend.ts";
export * from "./backend/primitives.ts";
export * from "./backend/fused.ts";
export * from "./backend/collective.ts";
export { constant, expressionKey, inputCount, maxMapInputs, x } from "./scalar/expression.ts";
export type { Expression } from "./scalar/expression.ts";
export { scalar } from "./scalar/functions.ts";
export type { Operand, ScalarBuilders } from "./scalar/functions.ts";
export { scalarTable } from "./scalar/table.ts";
export type { ScalarFunction, ScalarFunctionName } from "./scalar/table.ts";
export { differentiate } from "./scalar/derivative.ts";
export { compileProgram } from "./scalar/program.ts";
export type { Instruction, Program } from "./scalar/program.ts";
export { erf } from "./scalar/erf.ts";
export { roundToEven } from "./scalar/round.ts";
export { Tensor } from "./tensor/tensor.ts";
export type { Layout } from "./tensor/tensor.ts";
export { disposeTensors } from "./tensor/scope.ts";
export { Captured } from "./tensor/capture.ts";
export { Runtime } from "./tensor/runtime.ts";
export type { RuntimeOptions } from "./tensor/runtime.ts";
export type { FusionMode, FusionOutcome, FusionRecord } from "./tensor/fusion.ts";
export { checkpoint } from "./autograd/checkpoint.ts";
export { valueAndGradients, vjp } from "./autograd/gradients.ts";
export type { ValueAndGradients } from "./autograd/gradients.ts";
export { gradientRules } from "./autograd/rules.ts";
export type { GradientContext, GradientRule, GradientRules } from "./tensor/tape.ts";
export { full, iota, zeros } from "./ops/create.ts";
export { add, assign, cast, contiguous, div, map, mul, scale, sub } from "./ops/elementwise.ts";
export { gather, putAlong, segmentSum, takeAlong } from "./ops/indexing.ts";
export { matmul } from "./ops/matmul.ts";
export { max, mean, sum, sumAll, sumTo } from "./ops/reduce.ts";
export { concat, expand, permute, reshape, slice, transpose } from "./ops/views.ts";
export { activationExpression } from "./composites/activations.ts";
export { compositeDefinitions } from "./composites/registry.ts";
export type { CompositeDefinition } from "./composites/definition.ts";
export { logSumExp } from "./composites/linear-cross-entropy.ts";
export { stableAdamWControl } from "./composites/stable-adamw.ts";
export type { StableAdamWStep } from "./composites/stable-adamw.ts";
export {
  glu,
  int4Linear,
  int8Linear,
  layerNorm,
  linear,
  linearCrossEntropy,
  globalNorm,
  mlp,
  residualLayerNorm,
  rope,
  stableAdamW,
  stableAdamWAll,
  varlenAttention,
} from "./composites/functions.ts";
export type { AdamWSlot, Dropout, ResidualLayerNormOptions, VarlenAttentionOptions } from "./composites/functions.ts";
export { int4Group, quantizeInt4 } from "./composites/quantize-int4.ts";
export { quantizeInt8 } from "./composites/quantize-int8.ts";
export type { Int8Weights } from "./composites/quantize-int8.ts";
export { philox4x32 } from "./random/philox.ts";
export { dropout, stepWords, truncatedNormal, uniform } from "./random/random.ts";
export type { Draw } from "./random/random.ts";
export {
  bfloat16Precision,
  float16Precision,
  float32Precision,
  float64Precision,
  precisions,
  residualDType,
} from "./precision.ts";
export type { Precision, PrecisionName } from "./precision.ts";
