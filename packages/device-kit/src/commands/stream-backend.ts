/** A whole Backend over one native command stream: memory, transfers, captures. The backend's own are the library and what is encoded. */
import type {
  BufferId,
  Capabilities,
  FileMapping,
  FusedImplementations,
  MemoryStats,
  PrimitiveAttrs,
  PrimitiveKernels,
  PrimitiveName,
  Replay,
  View,
} from "@modernbert-ts/tensor-core";
import { Lifetime } from "../lifetime.ts";
import { Buffers } from "../memory/buffers.ts";
import { fileBuffers } from "../memory/file-buffers.ts";
import { GuardedHeap } from "../memory/guarded-heap.ts";
import { Pool } from "../memory/pool.ts";
import type { Heap } from "../memory/pool.ts";
import { rangeGranule, Slabs } from "../memory/slabs.ts";
import { captureReplay } from "../replay.ts";
import { offsetAddress } from "../memory/address.ts";
import { hostBytes } from "../memory/host-bytes.ts";
import type { Address, AddressBlock } from "../memory/address.ts";
import type { NativeStreams } from "./addon.ts";
import { CommandEncoder } from "./encoder.ts";
import type { NativeCaller } from "./native-caller.ts";
import { Staging, stagingBytes } from "./staging.ts";
import { CommandStream } from "./stream.ts";
import type { StreamBackendParts } from "./stream-backend-parts.ts";

/** Writes up to this size travel inside the command stream. */
const inlineBytes = 16 << 10;

export class StreamBackend<Operation extends string> implements NativeCaller {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly fused: Partial<FusedImplementations>;
  readonly mapFile?: (descriptor: number, byteLength: number) => FileMapping | undefined;
  readonly #library: NativeStreams;
  readonly hostReaches: boolean;
  readonly #lifetime = new Lifetime("backend");
  readonly #stream: CommandStream;
  readonly #pool: Pool<AddressBlock>;
  /** What the host reads and fills: the same pool where it can reach that. */
  readonly #hostPool: Pool<AddressBlock>;
  /** Where buffers have guards. */
  readonly #guarded: GuardedHeap | undefined;
  readonly #buffers: Buffers<AddressBlock>;
  readonly #staging: Staging;
  readonly #commands: CommandEncoder<Operation>;
  readonly #primitives: PrimitiveKernels<View>;
  /** Reads and synchronisations in progress: disposal waits for them. */
  readonly #pending = new Set<Promise<unknown>>();

  constructor(parts: StreamBackendParts<Operation>) {
    const { library, stream, device } = parts;
    this.name = parts.name;
    this.capabilities = parts.capabilities;
    this.#library = library;
    this.hostReaches = device === undefined;
    this.#stream = new CommandStream(library, stream);
    const heap = this.#heapOf((bytes) => library.allocate(stream, bytes));
    if (device) {
      const slabs = new Slabs({ ...heap, room: () => device.room() });
      if (device.guarded) {
        this.#guarded = new GuardedHeap(slabs, () => (this.#stream.recording ? undefined : this.#commands));
      }
      this.#pool = new Pool(this.#guarded ?? slabs, { granule: rangeGranule });
      this.#hostPool = new Pool(this.#heapOf((bytes) => device.allocateHost(bytes)));
    } else {
      this.#pool = this.#hostPool = new Pool(heap);
    }
    this.#buffers = new Buffers(this.#pool);
    this.#staging = new Staging(this.#hostPool, this.#stream);
    this.#commands = new CommandEncoder(this.#stream, this.#buffers, parts.operations);
    this.#primitives = parts.primitives(this.#commands);
    this.fused = parts.fused(this.#commands);
    const { mapFile } = parts;
    if (mapFile) this.mapFile = (descriptor, byteLength) => this.#mapped(mapFile(descriptor, byteLength), byteLength);
  }

  allocate(byteLength: number): BufferId {
    this.#lifetime.check("allocate");
    return this.#buffers.allocate(byteLength);
  }

  release(buffer: BufferId): void {
    if (!this.#lifetime.ended) this.#buffers.release(buffer);
  }

  write(buffer: BufferId, data: ArrayBufferView, byteOffset = 0): void {
    this.#lifetime.check("write");
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const { address } = this.#buffers.findRange("write", buffer, byteOffset, bytes.length);
    const to = offsetAddress(address, byteOffset);
    if (bytes.length <= inlineBytes || this.#stream.recording) return this.#commands.writeInline(to, bytes);
    if (this.#hostPool === this.#pool && this.#stream.completed() === this.#stream.count)
      return this.#library.copyIn(to, bytes);
    for (let at = 0; at < bytes.length; at += stagingBytes) {
      const part = bytes.subarray(at, at + stagingBytes);
      const from = this.#staging.take(part.length, this.#stream.count + 1);
      this.#library.copyIn(from, part);
      this.#commands.copyBytes(offsetAddress(to, at), from, part.length);
    }
  }

  read(buffer: BufferId, byteOffset: number, byteLength: number): Promise<ArrayBuffer> {
    return this.#track("read", async () => {
      this.#pool.checkNotRecording("read");
      const { address } = this.#buffers.findRange("read", buffer, byteOffset, byteLength);
      // Later commands may overwrite the buffer before the wait is over, so its content is set aside in order.
      const aside = this.#hostPool.take(byteLength);
      try {
        this.#commands.copyBytes(aside.address, offsetAddress(address, byteOffset), byteLength);
        this.#guarded?.check();
        await this.#stream.wait(this.#stream.count);
        const result = hostBytes("read", byteLength);
        this.#library.copyOut(result, aside.address);
        return result.buffer;
      } finally {
        this.#hostPool.give(aside);
      }
    });
  }

  run<K extends PrimitiveName>(
    op: K,
    outputs: readonly View[],
    inputs: readonly View[],
    attrs: PrimitiveAttrs[K],
  ): void {
    this.#lifetime.check(op);
    this.#primitives[op](outputs, inputs, attrs);
  }

  callNative(operation: string, address: Address, views: readonly View[], attributes: readonly number[] = []): void {
    this.#lifetime.check(operation);
    this.#commands.call(operation, address, views, attributes);
  }

  callBeside(operation: string, address: Address, views: readonly View[], attributes: readonly number[] = []): void {
    this.#lifetime.check(operation);
    this.#commands.callBeside(operation, address, views, attributes);
  }

  settle(): void {
    this.#lifetime.check("settle");
    this.#commands.settle();
  }

  flush(): void {
    this.#lifetime.check("flush");
    this.#stream.flush();
  }

  synchronize(): Promise<void> {
    return this.#track("synchronize", async () => {
      this.#pool.checkNotRecording("synchronize");
      this.#guarded?.check();
      await this.#stream.wait(this.#stream.count);
    });
  }

  memory(): MemoryStats {
    const stats = this.#buffers.stats();
    return { ...stats, cachedBytes: stats.cachedBytes + this.#staging.bytes };
  }

  trim(maxCachedBytes = 0): void {
    this.#lifetime.check("trim");
    this.#pool.trim(maxCachedBytes);
    if (this.#hostPool !== this.#pool) this.#hostPool.trim(maxCachedBytes);
    this.#staging.drain();
  }

  /** The recorded commands first run at `Replay.run()`. They lie in memory of the stream, and a run is one command. */
  capture(record: () => void): Replay {
    return captureReplay(
      this.#lifetime,
      this.#pool,
      () => this.#stream.record(record, (commands) => this.#keep(commands)),
      (recording) => {
        if (recording.bytes === 0) return;
        this.#commands.replay(recording);
        this.#stream.flush();
      },
      (recording) => {
        if (recording.bytes > 0) this.#hostPool.discard(recording);
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#lifetime.ended) return;
    this.#lifetime.end();
    await Promise.allSettled([...this.#pending, this.#stream.wait(this.#stream.count)]);
    this.#buffers.destroy();
    this.#hostPool.destroy();
    this.#stream.destroy();
  }

  /** Commands in memory of the stream. */
  #keep(commands: Uint8Array): AddressBlock {
    if (commands.length === 0) return { address: 0 as Address, bytes: 0 };
    const block = this.#hostPool.claim(commands.length);
    this.#library.copyIn(block.address, commands);
    return block;
  }

  #mapped(address: Address | undefined, bytes: number): FileMapping | undefined {
    this.#lifetime.check("mapFile");
    if (address === undefined) return undefined;
    return fileBuffers(this.#buffers, { address, bytes }, () => {
      if (!this.#lifetime.ended) this.#commands.free(address);
    });
  }

  /** @param allocate What has no room may have no device either. */
  #heapOf(allocate: (bytes: number) => Address | undefined): Heap<AddressBlock> {
    return {
      allocate: (bytes) => {
        const address = allocate(bytes);
        if (address === undefined) this.#stream.checkAlive();
        return address === undefined ? undefined : { address, bytes };
      },
      free: ({ address }) => this.#commands.free(address),
      settle: () => this.#stream.waitBlocking(this.#stream.count),
    };
  }

  #track<T>(operation: string, work: () => Promise<T>): Promise<T> {
    this.#lifetime.check(operation);
    const promise = work();
    const settled = promise.catch(() => undefined).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
    return promise;
  }
}
