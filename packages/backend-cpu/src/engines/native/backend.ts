/** The native engine as a Backend: memory, transfers, primitives and fused kernels over one command stream. */
import { dtypes, ShapeError, UseAfterDisposeError } from "@modernbert-ts/tensor-core";
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
import { CommandEncoder } from "./commands.ts";
import type { Block } from "./free-list.ts";
import { fusedKernels } from "./fused/index.ts";
import { offsetAddress } from "./library.ts";
import type { InstructionSet, NativeLibrary } from "./library.ts";
import { Memory } from "./memory.ts";
import { nativePrimitives } from "./primitives.ts";
import { Staging, stagingBytes } from "./staging.ts";
import { Stream } from "./stream.ts";
import type { Recording } from "./stream.ts";

/** Writes up to this size travel inside the command stream. */
const inlineBytes = 16 << 10;

export class NativeBackend implements Backend {
  readonly name = "cpu";
  readonly capabilities: Capabilities;
  readonly fused: Partial<FusedImplementations>;
  readonly #library: NativeLibrary;
  readonly #stream: Stream;
  readonly #memory: Memory;
  readonly #staging: Staging;
  readonly #commands: CommandEncoder;
  readonly #primitives: PrimitiveKernels<View>;
  /** Reads and synchronisations in progress: disposal waits for them. */
  readonly #pending = new Set<Promise<unknown>>();
  #disposed = false;

  constructor(library: NativeLibrary, instructionSet: InstructionSet, threads: number) {
    this.#library = library;
    this.#stream = new Stream(library, threads, instructionSet);
    this.#memory = new Memory({
      allocate: library.allocate,
      free: library.free,
      freeLater: (address) => this.#commands.free(address),
      settle: () => this.#stream.waitBlocking(this.#stream.count),
    });
    this.#staging = new Staging({
      allocate: (bytes) => this.#memory.claim(bytes),
      completed: () => this.#stream.completed(),
      waitBlocking: (count) => this.#stream.waitBlocking(count),
    });
    this.#commands = new CommandEncoder(this.#stream, this.#memory, library.operations);
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
    this.#check("allocate");
    return this.#memory.allocate(byteLength);
  }

  release(buffer: BufferId): void {
    if (!this.#disposed) this.#memory.release(buffer);
  }

  write(buffer: BufferId, data: ArrayBufferView, byteOffset = 0): void {
    this.#check("write");
    const block = this.#memory.block(buffer);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    checkRange("write", block, byteOffset, bytes.length);
    const to = offsetAddress(block.address, byteOffset);
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
      this.#stream.checkNotRecording("read");
      const block = this.#memory.block(buffer);
      checkRange("read", block, byteOffset, byteLength);
      // Later commands may overwrite the buffer before the wait is over, so its content is set aside in order.
      const aside = this.#memory.take(byteLength);
      this.#commands.copyBytes(aside.address, offsetAddress(block.address, byteOffset), byteLength);
      try {
        await this.#stream.wait(this.#stream.count);
        const result = new ArrayBuffer(byteLength);
        this.#library.copyOut(new Uint8Array(result), aside.address);
        return result;
      } finally {
        this.#memory.give(aside);
      }
    });
  }

  run<K extends PrimitiveName>(
    op: K,
    outputs: readonly View[],
    inputs: readonly View[],
    attrs: PrimitiveAttrs[K],
  ): void {
    this.#check(op);
    this.#primitives[op](outputs, inputs, attrs);
  }

  flush(): void {
    this.#check("flush");
    this.#stream.flush();
  }

  synchronize(): Promise<void> {
    return this.#track("synchronize", async () => {
      this.#stream.checkNotRecording("synchronize");
      await this.#stream.wait(this.#stream.count);
    });
  }

  memory(): MemoryStats {
    return this.#memory.stats(this.#staging.bytes);
  }

  trim(maxCachedBytes = 0): void {
    this.#check("trim");
    this.#stream.checkNotRecording("trim");
    this.#staging.drain((address) => this.#memory.free(address));
    this.#memory.trim(maxCachedBytes);
  }

  /** The recorded commands first run at `Replay.run()`. Buffers that outlive the recording must be alive at each run. */
  capture(record: () => void): Replay {
    this.#check("capture");
    this.#stream.startRecording();
    this.#memory.startCapture();
    let recording: Recording | undefined;
    let blocks: readonly Block[] = [];
    const giveBlocks = (): void => {
      if (!this.#disposed) for (const block of blocks) this.#memory.give(block);
      blocks = [];
    };
    try {
      record();
      recording = this.#stream.endRecording();
    } finally {
      blocks = this.#memory.endCapture();
      if (recording === undefined) {
        this.#stream.endRecording();
        giveBlocks();
      }
    }
    const recorded = recording;
    return {
      run: () => {
        this.#check("replay");
        this.#stream.replay(recorded);
      },
      dispose: giveBlocks,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await Promise.allSettled([...this.#pending, this.#stream.wait(this.#stream.count)]);
    this.#stream.destroy();
    this.#memory.destroy();
  }

  #track<T>(operation: string, work: () => Promise<T>): Promise<T> {
    this.#check(operation);
    const promise = work();
    const settled = promise.catch(() => undefined).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
    return promise;
  }

  #check(operation: string): void {
    if (this.#disposed) throw new UseAfterDisposeError(operation, "expected a live backend, got one that was disposed");
  }
}

function checkRange(operation: string, block: Block, byteOffset: number, byteLength: number): void {
  if (byteOffset < 0 || byteLength < 0 || byteOffset + byteLength > block.bytes) {
    throw new ShapeError(
      operation,
      `expected bytes inside a buffer of ${block.bytes}, got ${byteLength} at ${byteOffset}`,
    );
  }
}
