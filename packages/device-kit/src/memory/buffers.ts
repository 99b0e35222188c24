/** The buffers of a backend: names for blocks of a pool, checked wherever they are used. */
import { bufferId, ShapeError, UseAfterDisposeError } from "@modernbert-ts/tensor-core";
import type { BufferId, MemoryStats } from "@modernbert-ts/tensor-core";
import type { Block } from "./free-list.ts";
import type { Pool } from "./pool.ts";

export class Buffers<B extends Block> {
  readonly pool: Pool<B>;
  readonly #live = new Map<BufferId, B>();
  #nextId = 1;

  constructor(pool: Pool<B>) {
    this.pool = pool;
  }

  allocate(byteLength: number): BufferId {
    return this.#name(this.pool.take(byteLength));
  }

  /** A buffer over memory that comes from no heap (it has a `letGo`). */
  adopt(block: B): BufferId {
    this.pool.adopt(block);
    return this.#name(block);
  }

  release(buffer: BufferId): void {
    const block = this.#find("release", buffer);
    this.#live.delete(buffer);
    this.pool.give(block);
  }

  /** The memory of a live buffer, for a command to use. */
  find(operation: string, buffer: BufferId): B {
    const block = this.#find(operation, buffer);
    this.pool.touch(block);
    return block;
  }

  /** The memory of a live buffer that holds these bytes. @throws ShapeError when they do not lie inside it. */
  findRange(operation: string, buffer: BufferId, byteOffset: number, byteLength: number): B {
    const block = this.find(operation, buffer);
    if (byteOffset < 0 || byteLength < 0 || byteOffset + byteLength > block.bytes) {
      throw new ShapeError(
        operation,
        `expected bytes inside a buffer of ${block.bytes}, got ${byteLength} at ${byteOffset}`,
      );
    }
    return block;
  }

  stats(): MemoryStats {
    return { ...this.pool.stats(), liveBuffers: this.#live.size };
  }

  /** Frees all memory of the pool; no buffer is live any more. */
  destroy(): void {
    this.#live.clear();
    this.pool.destroy();
  }

  #name(block: B): BufferId {
    const id = bufferId(this.#nextId++);
    this.#live.set(id, block);
    return id;
  }

  #find(operation: string, buffer: BufferId): B {
    const block = this.#live.get(buffer);
    if (block === undefined) {
      throw new UseAfterDisposeError(operation, `expected a live buffer, got buffer ${buffer}, which was released`);
    }
    return block;
  }
}
