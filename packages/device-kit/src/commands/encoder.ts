/** Encodes commands for a native stream: header, views, attributes as doubles, in the layout of C's `mb_command` and `mb_view`. */
import { bytesOf, ShapeError, showShape } from "@modernbert-ts/tensor-core";
import type { DType, View } from "@modernbert-ts/tensor-core";
import type { Buffers } from "../memory/buffers.ts";
import type { Address, AddressBlock } from "../memory/address.ts";
import type { CommandStream } from "./stream.ts";

/** The C enum `mb_dtype`. */
const dtypeCodes: Readonly<Record<DType, number>> = { f32: 0, f16: 1, bf16: 2, f64: 3, i32: 4, u32: 5 };

/** The stream's own operations. */
const writeInline = -1;
const copyBytes = -2;
const freeMemory = -3;
const replayCommands = -4;
const fillGuard = -5;
const checkGuard = -6;
const callFunction = -7;
const callBeside = -8;
const settleBeside = -9;

const headerBytes = 16;
const viewBytes = 112;
const two32 = 2 ** 32;

export class CommandEncoder<Operation extends string> {
  readonly #stream: CommandStream;
  readonly #buffers: Buffers<AddressBlock>;
  readonly #operations: Readonly<Record<Operation, number>>;
  #target: Uint8Array = new Uint8Array(0);
  #words: Int32Array = new Int32Array(0);
  #doubles: Float64Array = new Float64Array(0);

  /** @param operations The number of each kernel. */
  constructor(stream: CommandStream, buffers: Buffers<AddressBlock>, operations: Readonly<Record<Operation, number>>) {
    this.#stream = stream;
    this.#buffers = buffers;
    this.#operations = operations;
  }

  /** Queues one kernel. `null` is an absent view; attributes arrive as doubles. */
  encode(operation: Operation, views: readonly (View | null)[], attributes: readonly number[] = []): void {
    this.#withViews(this.#operations[operation], operation, views, attributes);
  }

  /** Queues a call of a function of another native library (C's `mb_function`). */
  call(operation: string, address: Address, views: readonly View[], attributes: readonly number[]): void {
    this.#withViews(callFunction, operation, views, [address, ...attributes]);
  }

  /** The same beside the commands after it. */
  callBeside(operation: string, address: Address, views: readonly View[], attributes: readonly number[]): void {
    this.#withViews(callBeside, operation, views, [address, ...attributes]);
  }

  /** Queues the wait for all that runs beside. */
  settle(): void {
    this.#plain(settleBeside, []);
  }

  #withViews(code: number, operation: string, views: readonly (View | null)[], attributes: readonly number[]): void {
    const bytes = headerBytes + viewBytes * views.length + 8 * attributes.length;
    const offset = this.#begin(code, views.length, bytes);
    for (let at = 0; at < views.length; at++) this.#view(operation, offset + headerBytes + at * viewBytes, views[at]!);
    this.#doubles.set(attributes, (offset + headerBytes + viewBytes * views.length) / 8);
    this.#stream.commit(bytes);
  }

  /** Memory for the commands that `body` queues, and nothing else: undefined when they begin, given back after them. */
  scratch(bytes: number, body: (memory: View) => void): void {
    const buffer = this.#buffers.allocate(bytes);
    try {
      body({ buffer, dtype: "u32", shape: [Math.ceil(bytes / 4)], strides: [1], offset: 0 });
    } finally {
      this.#buffers.release(buffer);
    }
  }

  /** Queues a write of bytes that travel in the command itself. */
  writeInline(to: Address, data: Uint8Array): void {
    const bytes = headerBytes + 16 + Math.ceil(data.length / 8) * 8;
    const offset = this.#begin(writeInline, 0, bytes);
    this.#doubles.set([to, data.length], (offset + headerBytes) / 8);
    this.#target.set(data, offset + headerBytes + 16);
    this.#stream.commit(bytes);
  }

  /** Queues a copy of device memory. */
  copyBytes(to: Address, from: Address, byteLength: number): void {
    this.#plain(copyBytes, [to, from, byteLength]);
  }

  /** Queues the freeing of device memory. */
  free(address: Address): void {
    this.#plain(freeMemory, [address]);
  }

  /** Queues commands that lie in memory of the stream, as one command. They stay there until they are freed. */
  replay({ address, bytes }: AddressBlock): void {
    this.#plain(replayCommands, [address, bytes]);
  }

  /** Queues the filling of a block and of what lies round it, for `checkGuard`. */
  guard({ address, bytes }: AddressBlock): void {
    this.#plain(fillGuard, [address, bytes]);
  }

  /** Queues a look at what lies round a guarded block: a write there is a DeviceValueError. */
  checkGuard({ address, bytes }: AddressBlock): void {
    this.#plain(checkGuard, [address, bytes]);
  }

  #plain(code: number, attributes: readonly number[]): void {
    const bytes = headerBytes + 8 * attributes.length;
    const offset = this.#begin(code, 0, bytes);
    this.#doubles.set(attributes, (offset + headerBytes) / 8);
    this.#stream.commit(bytes);
  }

  #begin(code: number, views: number, bytes: number): number {
    const { target, offset } = this.#stream.reserve(bytes);
    if (target !== this.#target) {
      this.#target = target;
      this.#words = new Int32Array(target.buffer);
      this.#doubles = new Float64Array(target.buffer);
    }
    const at = offset / 4;
    this.#words[at] = code;
    this.#words[at + 1] = views;
    this.#long(at + 2, bytes);
    return offset;
  }

  #view(operation: string, offset: number, view: View | null): void {
    const at = offset / 4;
    if (view === null) {
      this.#words.fill(0, at, at + viewBytes / 4);
      return;
    }
    const block = this.#buffers.find(operation, view.buffer);
    const itemBytes = bytesOf(view.dtype);
    this.#long(at, block.address + view.offset * itemBytes);
    this.#words[at + 2] = dtypeCodes[view.dtype];
    this.#words[at + 3] = view.shape.length;
    let first = view.offset;
    let last = view.offset;
    let empty = false;
    for (let axis = 0; axis < view.shape.length; axis++) {
      const extent = view.shape[axis]!;
      const stride = view.strides[axis]!;
      this.#long(at + 4 + 2 * axis, extent);
      this.#long(at + 16 + 2 * axis, stride);
      if (extent === 0) empty = true;
      else if (stride < 0) first += (extent - 1) * stride;
      else last += (extent - 1) * stride;
    }
    if (!empty && (first < 0 || (last + 1) * itemBytes > block.bytes)) {
      throw new ShapeError(
        operation,
        `expected a view inside its buffer of ${block.bytes} bytes, got ${view.dtype} ${showShape(view.shape)} with strides ${showShape(view.strides)} at ${view.offset}`,
      );
    }
  }

  #long(word: number, value: number): void {
    this.#words[word] = value;
    this.#words[word + 1] = Math.floor(value / two32);
  }
}
