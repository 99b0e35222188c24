/** What the kernels' drivers share: operands as addresses, working memory, threads. */
import { bytesOf, sizeOf } from "@modernbert-ts/tensor-core";
import type { DType, Shape } from "@modernbert-ts/tensor-core";
import type { Resolve } from "../engine.ts";
import { elementsOf } from "../typescript/memory.ts";
import type { HostBuffers } from "../typescript/memory.ts";
import type { Operand } from "../typescript/operand.ts";
import type { Threads } from "./threads.ts";

export interface WasmContext {
  readonly threads: Threads;
  readonly resolve: Resolve;
  /** Lends a dense operand of undefined content to `work`. */
  borrow<Result>(dtype: DType, shape: Shape, work: (operand: Operand) => Result): Result;
}

/** Address of an operand's first element; 0 for an absent one. */
export function addressOf(operand: Operand | undefined): number {
  return operand === undefined ? 0 : operand.data.byteOffset + operand.offset * bytesOf(operand.dtype);
}

export function createBorrow(memory: HostBuffers): WasmContext["borrow"] {
  return (dtype, shape, work) => {
    const buffer = memory.allocate(sizeOf(shape) * bytesOf(dtype));
    try {
      const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
      return work({ dtype, data: elementsOf(memory.find("borrow", buffer), dtype), shape, strides, offset: 0 });
    } finally {
      memory.release(buffer);
    }
  };
}
