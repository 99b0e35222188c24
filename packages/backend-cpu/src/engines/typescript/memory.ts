/**
 * Buffers of the engines that run commands at once: host memory, seen as elements of any dtype. Where it comes from (array buffers, a
 * WebAssembly memory) is the engine's business.
 */
import { Buffers, Pool } from "@modernbert-ts/device-kit";
import type { Block, PoolOptions } from "@modernbert-ts/device-kit";
import { bytesOf, hostView } from "@modernbert-ts/tensor-core";
import type { BufferId, DType, HostArray } from "@modernbert-ts/tensor-core";

export interface HostBlock extends Block {
  readonly data: Uint8Array;
  /** The same bytes as elements of each dtype that was asked for. */
  readonly views: Map<DType, HostArray>;
}

export interface MemorySource {
  /** Throws when there is no room. The address is a multiple of 8. */
  allocate(size: number): Uint8Array;
  free(bytes: Uint8Array): void;
}

/** Array buffers, which the garbage collector frees. */
export const heapMemory: MemorySource = {
  allocate: (size) => new Uint8Array(size),
  free() {},
};

export class HostBuffers extends Buffers<HostBlock> {
  readonly #poison: boolean;

  /** @param poison Fills fresh buffers with NaN patterns. */
  constructor(source: MemorySource, poison: boolean, options: PoolOptions) {
    const allocate = (bytes: number): HostBlock | undefined => {
      try {
        return { bytes, data: source.allocate(bytes), views: new Map() };
      } catch {
        return undefined;
      }
    };
    super(new Pool({ allocate, free: ({ data }) => source.free(data) }, options));
    this.#poison = poison;
  }

  override allocate(byteLength: number): BufferId {
    const id = super.allocate(byteLength);
    if (this.#poison) this.find("allocate", id).data.fill(0xff);
    return id;
  }
}

/** A block as elements of `dtype`. */
export function elementsOf({ data, views }: HostBlock, dtype: DType): HostArray {
  let view = views.get(dtype);
  if (view === undefined) {
    view = hostView(dtype, data.buffer, data.byteOffset, Math.floor(data.byteLength / bytesOf(dtype)));
    views.set(dtype, view);
  }
  return view;
}
