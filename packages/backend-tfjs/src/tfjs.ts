/**
 * What the backend uses of a TensorFlow.js module (the API of @tensorflow/tfjs-core), which the caller injects. `test/module.test.ts`
 * holds it against the types of the real one.
 */

/** How elements lie in tensors. */
export type Storage = "float32" | "int32";

export interface TfTensor {
  readonly shape: number[];
  readonly size: number;
  clone(): TfTensor;
  data(): Promise<ArrayBufferView>;
  dataSync(): ArrayBufferView;
  dispose(): void;
}

/** The functions, over the tensors of the module. */
export interface TfModule<T extends TfTensor = TfTensor> {
  readonly version_core: string;
  ready(): Promise<void>;
  getBackend(): string;
  tidy(body: () => void): void;
  keep(tensor: T): T;

  scalar(value: number, dtype: Storage): T;
  tensor1d(values: Float32Array | Int32Array, dtype: Storage): T;
  zeros(shape: number[], dtype: Storage): T;

  cast(x: T, dtype: Storage): T;
  reshape(x: T, shape: number[]): T;
  transpose(x: T, order: number[]): T;
  slice(x: T, begin: number[], size: number[]): T;
  concat(parts: T[], axis: number): T;
  broadcastTo(x: T, shape: number[]): T;

  abs(x: T): T;
  cos(x: T): T;
  exp(x: T): T;
  floor(x: T): T;
  isFinite(x: T): T;
  isNaN(x: T): T;
  log(x: T): T;
  neg(x: T): T;
  round(x: T): T;
  rsqrt(x: T): T;
  sigmoid(x: T): T;
  sin(x: T): T;
  sqrt(x: T): T;
  tanh(x: T): T;

  add(a: T, b: T): T;
  div(a: T, b: T): T;
  equal(a: T, b: T): T;
  floorDiv(a: T, b: T): T;
  greaterEqual(a: T, b: T): T;
  less(a: T, b: T): T;
  lessEqual(a: T, b: T): T;
  logicalAnd(a: T, b: T): T;
  logicalOr(a: T, b: T): T;
  maximum(a: T, b: T): T;
  minimum(a: T, b: T): T;
  mul(a: T, b: T): T;
  notEqual(a: T, b: T): T;
  sub(a: T, b: T): T;
  where(condition: T, a: T, b: T): T;

  sum(x: T, axes: number[], keepDims: boolean): T;
  max(x: T, axes: number[], keepDims: boolean): T;
  min(x: T, axes: number[], keepDims: boolean): T;
  matMul(a: T, b: T, transposeA: boolean, transposeB: boolean): T;

  /** Rows of x at indices [N, 1]. */
  gatherND(x: T, indices: T): T;
  /** Zeros of `shape`, plus rows of updates at indices [N, 1]. */
  scatterND(indices: T, updates: T, shape: number[]): T;
  /** x with rows of updates in place of those at indices [N, 1]. */
  tensorScatterUpdate(x: T, indices: T, updates: T): T;
}

/** A module as it is injected: its class `Tensor` says of what type its tensors are. */
export type TfjsModule<T extends TfTensor> = TfModule<NoInfer<T>> & { readonly Tensor: { readonly prototype: T } };
