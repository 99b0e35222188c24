/**
 * One native stream: gathers encoded commands, submits them, counts them, and waits for them.
 *
 * Commands are counted here and in the native code in the same way, so "the first n commands are done" is one number. At most one
 * wait per stream occupies a thread.
 */
import { OutOfMemoryError } from "@modernbert-ts/tensor-core";
import type { TensorError } from "@modernbert-ts/tensor-core";
import { hostBytes } from "../memory/host-bytes.ts";

/** Commands are handed over when this many bytes have gathered (about 20 commands), so that the device starts early. */
const submitBytes = 8 << 10;

/** The native code that runs streams, each named by a handle. */
export interface StreamLibrary<Handle> {
  /** Copies the first `bytes` of `commands` and queues them; false when there is no memory for them. */
  submit(stream: Handle, commands: Uint8Array, bytes: number): boolean;
  /** How many commands are done. */
  completed(stream: Handle): number;
  /** Waits a while for the first `count` commands, not on the event loop; may resolve early. */
  wait(stream: Handle, count: number): Promise<unknown>;
  /** Blocks until the first `count` commands are done. */
  waitBlocking(stream: Handle, count: number): void;
  /** The error of one of the first `count` commands: a bad value, or no memory; it is then forgotten. */
  takeError(stream: Handle, count: number): TensorError | undefined;
  /** Runs what is queued, then ends the stream. */
  destroyStream(stream: Handle): void;
}

export class CommandStream<Handle = unknown> {
  readonly #library: StreamLibrary<Handle>;
  readonly #handle: Handle;
  #bytes = new Uint8Array(64 << 10);
  #used = 0;
  #encoded = 0;
  #submitted = 0;
  #flushScheduled = false;
  #waiting: Promise<unknown> | undefined;
  #recording = false;

  constructor(library: StreamLibrary<Handle>, handle: Handle) {
    this.#library = library;
    this.#handle = handle;
  }

  /** How many commands were encoded so far: the number to wait for. */
  get count(): number {
    return this.#encoded;
  }

  get recording(): boolean {
    return this.#recording;
  }

  /** How many commands the device has executed. */
  completed(): number {
    return this.#library.completed(this.#handle);
  }

  /** Room for one command of `bytes` (a multiple of 8): the array to write to and where. Call `commit` after writing. */
  reserve(bytes: number): { readonly target: Uint8Array; readonly offset: number } {
    if (this.#used + bytes > this.#bytes.length) {
      if (!this.#recording) this.flush();
      if (this.#used + bytes > this.#bytes.length) {
        const grown = hostBytes("submit", Math.max(2 * this.#bytes.length, this.#used + bytes));
        grown.set(this.#bytes.subarray(0, this.#used));
        this.#bytes = grown;
      }
    }
    return { target: this.#bytes, offset: this.#used };
  }

  commit(bytes: number): void {
    this.#used += bytes;
    this.#encoded++;
    if (this.#recording) return;
    if (this.#used >= submitBytes) this.flush();
    else if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      void Promise.resolve().then(() => {
        this.#flushScheduled = false;
        if (this.#recording) return;
        try {
          this.flush();
        } catch {
          // What could not be queued is kept: the next call of the caller tries again, and the error is that call's.
        }
      });
    }
  }

  flush(): void {
    if (this.#used === 0 || this.#recording) return;
    this.#submit(this.#bytes, this.#used);
    this.#used = 0;
    this.#submitted = this.#encoded;
  }

  /** What `keep` makes of the commands that `body` encodes (bytes that only it may read); they are not executed. */
  record<T>(body: () => void, keep: (commands: Uint8Array) => T): T {
    this.flush();
    const before = this.#encoded;
    this.#recording = true;
    try {
      body();
      return keep(this.#bytes.subarray(0, this.#used));
    } finally {
      this.#recording = false;
      this.#encoded = before;
      this.#used = 0;
    }
  }

  /** Resolves when the first `count` commands are done; rejects with DeviceValueError or OutOfMemoryError when one of them failed. */
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

  /** @throws DeviceLostError when the device does nothing any more. */
  checkAlive(): void {
    this.#throwError(0);
  }

  /** Blocks the event loop: only where the alternative is to fail for lack of memory. */
  waitBlocking(count: number): void {
    this.flush();
    this.#library.waitBlocking(this.#handle, count);
  }

  /** Runs what was encoded and ends the stream; nothing may wait any more. */
  destroy(): void {
    try {
      this.flush();
    } finally {
      this.#library.destroyStream(this.#handle);
    }
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
