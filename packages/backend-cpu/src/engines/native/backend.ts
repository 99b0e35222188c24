/** The native engine as a Backend: memory, transfers, primitives and fused kernels over one command stream. */
import {
  Buffers,
  captureReplay,
  CommandEncoder,
  CommandStream,
  Lifetime,
  offsetAddress,
  Pool,
  Staging,
  stagingBytes,
} from "@modernbert-ts/device-kit";
import type { AddressBlock } from "@modernbert-ts/device-kit";
import { dtypes } from "@modernbert-ts/tensor-core";
import type {
  Backend,
  BufferId,
  Capabilities,
  FusedImplementations,
  MemoryStats,
  PrimitiveAttrs,
  PrimitiveKernels,
  PrimitiveName,
  Replay,
  View,
} from "@modernbert-ts/tensor-core";
import { fusedKernels } from "./fused/index.ts";
import type { InstructionSet, NativeLibrary } from "./library.ts";
import type { NativeCommands } from "./operations.ts";
import { nativePrimitives } from "./primitives.ts";

/** Writes up to this size travel inside the command stream. */
const inlineBytes = 16 << 10;

export class NativeBackend implements Backend {
  readonly name = "cpu";
  readonly capabilities: Capabilities;
  readonly fused: Partial<FusedImplementations>;
  readonly #library: NativeLibrary;
  readonly #lifetime = new Lifetime("backend");
  readonly #stream: CommandStream;
  readonly #pool: Pool<AddressBlock>;
  readonly #buffers: Buffers<AddressBlock>;
  readonly #staging: Staging;
  readonly #commands: NativeCommands;
  readonly #primitives: PrimitiveKernels<View>;
  /** Reads and synchronisations in progress: disposal waits for them. */
  readonly #pending = new Set<Promise<unknown>>();

  constructor(library: NativeLibrary, instructionSet: InstructionSet, threads: number) {
    this.#library = library;
    const stream = library.createStream(threads, instructionSet);
    this.#stream = new CommandStream(library, stream);
    this.#pool = new Pool({
      allocate(bytes) {
        const address = library.allocate(stream, bytes);
        return address === undefined ? undefined : { address, bytes };
      },
      free: ({ address }) => this.#commands.free(address),
      settle: () => this.#stream.waitBlocking(this.#stream.count),
    });
    this.#buffers = new Buffers(this.#pool);
    this.#staging = new Staging(this.#pool, this.#stream);
    this.#commands = new CommandEncoder(this.#stream, this.#buffers, library.operations);
    this.#primitives = nativePrimitives(this.#commands, library.scalarFunctions);
    this.fused = fusedKernels(this.#commands);
    this.capabilities = {
      storage: dtypes,
      arithmetic: dtypes,
      accelerated: ["f32"],
      maxBufferBytes: Number.MAX_SAFE_INTEGER,
      deterministic: true,
      device: `CPU, native engine (${instructionSet.name}), ${threads} ${threads === 1 ? "thread" : "threads"}`,
    };
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
    if (this.#stream.completed() === this.#stream.count) return this.#library.copyIn(to, bytes);
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
      const aside = this.#pool.take(byteLength);
      try {
        this.#commands.copyBytes(aside.address, offsetAddress(address, byteOffset), byteLength);
        await this.#stream.wait(this.#stream.count);
        const result = new ArrayBuffer(byteLength);
        this.#library.copyOut(new Uint8Array(result), aside.address);
        return result;
      } finally {
        this.#pool.give(aside);
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

  flush(): void {
    this.#lifetime.check("flush");
    this.#stream.flush();
  }

  synchronize(): Promise<void> {
    return this.#track("synchronize", async () => {
      this.#pool.checkNotRecording("synchronize");
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
    this.#staging.drain();
  }

  /** The recorded commands first run at `Replay.run()`. */
  capture(record: () => void): Replay {
    return captureReplay(
      this.#lifetime,
      this.#pool,
      () => this.#stream.record(record),
      (recording) => this.#stream.replay(recording),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#lifetime.ended) return;
    this.#lifetime.end();
    await Promise.allSettled([...this.#pending, this.#stream.wait(this.#stream.count)]);
    this.#buffers.destroy();
    this.#stream.destroy();
  }

  #track<T>(operation: string, work: () => Promise<T>): Promise<T> {
    this.#lifetime.check(operation);
    const promise = work();
    const settled = promise.catch(() => undefined).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
    return promise;
  }
}
