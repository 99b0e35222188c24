/** Memory that only the commands of one operation need, as views. */
import { bytesOf, denseStrides, sizeOf } from "@modernbert-ts/tensor-core";
import type { TensorSpec, View } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "./operations.ts";

/** Where a tensor may begin, in bytes. */
const alignment = 256;

/** Calls `body` with a dense tensor for each of `specs`: undefined when its commands begin, given back after them. */
export function withScratch(
  commands: Pick<CudaCommands, "scratch">,
  specs: readonly TensorSpec[],
  body: (views: readonly View[]) => void,
): void {
  let bytes = 0;
  const begins = specs.map(({ shape, dtype }) => {
    const begin = bytes;
    bytes += Math.ceil((sizeOf(shape) * bytesOf(dtype)) / alignment) * alignment;
    return begin;
  });
  commands.scratch(bytes, ({ buffer }) =>
    body(
      specs.map(({ shape, dtype }, at) => {
        return { buffer, dtype, shape, strides: denseStrides(shape), offset: begins[at]! / bytesOf(dtype) };
      }),
    ),
  );
}
