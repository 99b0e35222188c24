/** Buffers that are parts of a file: the file stays mapped until the last of them is given back. */
import { ShapeError } from "@modernbert-ts/tensor-core";
import type { FileMapping } from "@modernbert-ts/tensor-core";
import type { Buffers } from "./buffers.ts";
import { offsetAddress } from "./address.ts";
import type { AddressBlock } from "./address.ts";

/** @param unmap Called once, after all commands so far. */
export function fileBuffers(
  buffers: Buffers<AddressBlock>,
  { address, bytes }: AddressBlock,
  unmap: () => void,
): FileMapping {
  /** The buffers, and the mapping itself until it is closed. */
  let holders = 1;
  const letGo = (): void => {
    if (--holders === 0) unmap();
  };
  let open = true;
  return {
    buffer(byteOffset, byteLength) {
      if (!open || byteOffset < 0 || byteLength < 0 || byteOffset + byteLength > bytes) {
        const got = open ? `${byteLength} at ${byteOffset}` : "a mapping that was closed";
        throw new ShapeError("mapFile", `expected bytes inside a file of ${bytes}, got ${got}`);
      }
      holders++;
      return buffers.adopt({ address: offsetAddress(address, byteOffset), bytes: byteLength, letGo });
    },
    close() {
      if (open) letGo();
      open = false;
    },
  };
}
