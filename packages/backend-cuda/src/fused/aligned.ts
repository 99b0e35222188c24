/** Operands for kernels that read 16 bytes at once. */
import { bytesOf, sizeOf } from "@modernbert-ts/tensor-core";
import type { View } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";

const atOnce = 16;

/** Calls `body` with the dense views, each beginning at a multiple of 16 bytes: a copy stands in for one that does not, until `body` ends. */
export function withAligned(
  commands: CudaCommands,
  views: readonly (View | null)[],
  body: (aligned: readonly (View | null)[]) => void,
): void {
  const at = views.findIndex((view) => view && (view.offset * bytesOf(view.dtype)) % atOnce !== 0);
  if (at < 0) return body(views);
  const view = views[at]!;
  commands.scratch(sizeOf(view.shape) * bytesOf(view.dtype), ({ buffer }) => {
    const copy = { ...view, buffer, offset: 0 };
    commands.encode("copy", [copy, view]);
    withAligned(commands, views.with(at, copy), body);
  });
}
