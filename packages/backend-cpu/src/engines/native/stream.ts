/**
 * One native stream: gathers encoded commands, submits them, counts them, and waits for them.
 *
 * Commands are counted here and in C in the same way, so "the first n commands are done" is one number. At most one wait per stream
 * occupies a thread of libuv.
 */
import { OutOfMemoryError, TensorError } from "@modernbert-ts/tensor-core";
import type { InstructionSet, NativeLibrary, StreamHandle } from "./library.ts";

/** Commands are handed over when this many bytes have gathered (about 20 commands), so that the device starts early. */
const submitBytes = 8 << 10;

/** The bytes of recorded commands, and how many they are. */
export interface Recording {
  readonly commands: Uint8Array;
  readonly count: number;
}

export class Stream {
  readonly #library: NativeLibrary;
  readonly #handle: StreamHandle;
  #bytes = new Uint8Array(64 << 10);
  #used = 0;
  #encoded = 0;
  #submitted = 0;
  #flushScheduled = false;
  #waiting: Promise<unknown> | undefined;
  #recordingSince: number | undefined;

  constructor(library: NativeLibrary, threads: number, instructionSet: InstructionSet) {
    this.#library = library;
    this.#handle = library.createStream(threads, instructionSet);
  }

  /** How many commands were encoded so far: the number to wait for. */
  get count(): number {
    return this.#encoded;
  }

  get recording(): boolean {
    return this.#recordingSince !== undefined;
  }

  /** How many commands the device has executed. */
  completed(): number {
    return this.#library.completed(this.#handle);
  }

  /** Room for one command of `bytes` (a multiple of 8): the array to write to and where. Call `commit` after writing. */
  reserve(bytes: number): { readonly target: Uint8Array; readonly offset: number } {
    if (this.#used + bytes > this.#bytes.length) {
      if (!this.recording) this.flush();
      if (this.#used + bytes > this.#bytes.length) {
        const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#used + bytes));
        grown.set(this.#bytes.subarray(0, this.#used));
        this.#bytes = grown;
      }
    }
    return { target: this.#bytes, offset: this.#used };
  }

  commit(bytes: number): void {
    this.#used += bytes;
    this.#encoded++;
    if (this.recording) return;
    if (this.#used >= submitBytes) this.flush();
    else if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      queueMicrotask(() => {
        this.#flushScheduled = false;
        if (!this.recording) this.flush();
      });
    }
  }

  flush(): void {
    if (this.#used === 0 || this.recording) return;
    this.#submit(this.#bytes, this.#used);
    this.#used = 0;
    this.#submitted = this.#encoded;
  }

  startRecording(): void {
    this.checkNotRecording("other capture");
    this.flush();
    this.#recordingSince = this.#encoded;
  }

  /** The commands since `startRecording`; they were not executed. */
  endRecording(): Recording {
    const recording = { commands: this.#bytes.slice(0, this.#used), count: this.#encoded - this.#recordingSince! };
    this.#encoded = this.#recordingSince!;
    this.#recordingSince = undefined;
    this.#used = 0;
    return recording;
  }

  replay(recording: Recording): void {
    this.checkNotRecording("replay");
    this.flush();
    if (recording.count === 0) return;
    this.#submit(recording.commands, recording.commands.length);
    this.#encoded += recording.count;
    this.#submitted = this.#encoded;
  }

  /** Fails while recording: recorded commands do not run, so nothing can wait for them. */
  checkNotRecording(operation: string): void {
    if (this.recording)
      throw new TensorError(
        "capture",
        `expected no ${operation} while commands are recorded: do it before or after the capture`,
      );
  }

  /** Resolves when the first `count` commands are done; rejects with DeviceValueError when one of them met a bad value. */
  async wait(count: number): Promise<void> {
    this.flush();
    while (this.completed() < count) {
      this.#waiting ??= this.#library.wait(this.#handle, count).finally(() => {
        this.#waiting = undefined;
      });
      await this.#waiting;
    }
    this.#throwError(count);
  }

  /** Blocks the event loop: only where the alternative is to fail for lack of memory. */
  waitBlocking(count: number): void {
    this.flush();
    this.#library.waitBlocking(this.#handle, count);
  }

  /** Ends the threads; nothing may wait any more. */
  destroy(): void {
    this.#library.destroyStream(this.#handle);
  }

  /** Commands that are done leave room for more, so a refused submission is tried once more when none is queued. */
  #submit(commands: Uint8Array, bytes: number): void {
    if (this.#library.submit(this.#handle, commands, bytes)) return;
    this.#library.waitBlocking(this.#handle, this.#submitted);
    if (this.#library.submit(this.#handle, commands, bytes)) return;
    throw new OutOfMemoryError("submit", `expected room to queue ${bytes} bytes of commands, the system has none`);
  }

  #throwError(count: number): void {
    const error = this.#library.takeError(this.#handle, count);
    if (error) throw error;
  }
}
