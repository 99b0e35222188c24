/**
 * Ranks that train together in one process: each has a device of its own, whose commands wait in a queue as on a GPU, so that a
 * collective operation can be queued before the other ranks have reached it.
 */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { bytesOf, Runtime } from "@modernbert-ts/tensor-core";
import type { Backend, Collective, View } from "@modernbert-ts/tensor-core";

export interface Rank {
  readonly runtime: Runtime;
  readonly collective: Collective;
}

export function createRanks(world: number): Rank[] {
  const meeting = new Meeting(world);
  return Array.from({ length: world }, (_, rank) => {
    const device = new QueuedDevice();
    return { runtime: new Runtime(device.backend), collective: collectiveOf(device, meeting, rank, world) };
  });
}

/** The TypeScript engine behind a queue; its kernels are the primitives alone. */
class QueuedDevice {
  readonly inner: Backend = createTypeScriptBackend({ poison: true });
  #queue: Promise<unknown> = Promise.resolve();

  /** In order with all other commands. */
  enqueue<T>(command: () => T | Promise<T>): Promise<T> {
    const done = this.#queue.then(command);
    done.catch(() => undefined);
    this.#queue = done;
    return done;
  }

  readonly backend: Backend = {
    name: "queued",
    capabilities: this.inner.capabilities,
    fused: {},
    allocate: (bytes) => this.inner.allocate(bytes),
    release: (buffer) => void this.enqueue(() => this.inner.release(buffer)),
    write: (buffer, data, offset) => {
      const copy = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
      void this.enqueue(() => this.inner.write(buffer, copy, offset));
    },
    read: (buffer, offset, bytes) => this.enqueue(() => this.inner.read(buffer, offset, bytes)),
    run: (...command) => void this.enqueue(() => this.inner.run(...command)),
    flush: () => undefined,
    synchronize: () => this.enqueue(() => undefined),
    memory: () => this.inner.memory(),
    trim: (bytes) => this.inner.trim(bytes),
    [Symbol.asyncDispose]: () => this.enqueue(async () => this.inner[Symbol.asyncDispose]()),
  };
}

/** Where ranks wait for each other: operation n of one meets operation n of the others. */
class Meeting {
  readonly #world: number;
  readonly #rounds: Round[] = [];
  failure: Error | undefined;

  constructor(world: number) {
    this.#world = world;
  }

  async exchange<T>(round: number, rank: number, value: T): Promise<T[]> {
    if (this.failure) throw this.failure;
    const { values, all } = this.#round(round);
    values[rank] = value;
    if (Object.keys(values).length === this.#world) all.resolve(values);
    return (await all.promise) as T[];
  }

  abort(reason: Error): void {
    this.failure ??= reason;
    for (const { all } of this.#rounds) all.reject(this.failure);
  }

  #round(at: number): Round {
    while (this.#rounds.length <= at) {
      const all = withResolvers<unknown[]>();
      all.promise.catch(() => undefined);
      this.#rounds.push({ values: [], all });
    }
    return this.#rounds[at]!;
  }
}

interface Round {
  readonly values: unknown[];
  readonly all: Settled<unknown[]>;
}

interface Settled<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

function withResolvers<T>(): Settled<T> {
  let [resolve, reject]: [(value: T) => void, (reason: Error) => void] = [() => undefined, () => undefined];
  const promise = new Promise<T>((...settle) => ([resolve, reject] = settle));
  return { promise, resolve, reject };
}

function collectiveOf(device: QueuedDevice, meeting: Meeting, rank: number, world: number): Collective {
  const { inner } = device;
  let round = 0;
  /** The dense bytes of every rank's view. */
  const exchange = async (at: number, view: View): Promise<ArrayBuffer[]> =>
    meeting.exchange(at, rank, await denseBytes(view));
  const denseBytes = async (view: View): Promise<ArrayBuffer> => {
    const dense = denseLike(inner, view);
    inner.run("copy", [dense], [view], {});
    const own = await inner.read(dense.buffer, 0, bytesIn(view));
    inner.release(dense.buffer);
    return own;
  };
  const put = (view: View, values: ArrayBuffer): void => {
    const dense = denseLike(inner, view);
    inner.write(dense.buffer, new Uint8Array(values));
    inner.run("copy", [view], [dense], {});
    inner.release(dense.buffer);
  };
  const queue = (input: View, output: View, combine: (all: readonly ArrayBuffer[]) => ArrayBuffer): void => {
    const at = round++;
    settle();
    void device.enqueue(async () => put(output, combine(await exchange(at, input))));
  };
  /** What runs beside: takes its input when it begins, and gives its result when it must. */
  const results: (() => void)[] = [];
  let beside = false;
  const settle = (): void => {
    for (const result of results.splice(0)) result();
  };
  const sumInPlace = (view: View): void => {
    if (!beside) return queue(view, view, sumOf);
    const at = round++;
    const begun = withResolvers<ArrayBuffer>();
    void device.enqueue(async () => begun.resolve(await denseBytes(view)));
    const sum = begun.promise.then(async (own) => sumOf(await meeting.exchange(at, rank, own)));
    sum.catch(() => undefined);
    results.push(() => void device.enqueue(async () => put(view, await sum)));
  };
  return {
    rank,
    world,
    allReduce: (input) => sumInPlace(input),
    reduceScatter: () => refuse("reduceScatter"),
    allGather: (input, output) => queue(input, output, joined),
    broadcast: (view, root = 0) => queue(view, view, (all) => all[root]!),
    group: (body) => body(),
    beside: (body) => {
      beside = true;
      body();
      beside = false;
    },
    settle,
    barrier: () => {
      const at = round++;
      return device.enqueue(async () => void (await meeting.exchange(at, rank, null)));
    },
    abort: (reason) => meeting.abort(reason),
  };
}

function refuse(operation: string): never {
  throw new Error(`[${operation}] expected an operation that the loop uses`);
}

function denseLike(backend: Backend, { dtype, shape }: View): View {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { buffer: backend.allocate(size * bytesOf(dtype)), dtype, shape, strides: denseStrides(shape), offset: 0 };
}

function bytesIn({ dtype, shape }: View): number {
  return shape.reduce((product, extent) => product * extent, bytesOf(dtype));
}

/** Of f32, in the order of ranks. */
function sumOf(all: readonly ArrayBuffer[]): ArrayBuffer {
  const sum = new Float32Array(all[0]!.slice(0));
  for (const each of all.slice(1)) new Float32Array(each).forEach((value, at) => (sum[at]! += value));
  return sum.buffer;
}

function joined(all: readonly ArrayBuffer[]): ArrayBuffer {
  return Uint8Array.from(all.flatMap((each) => Array.from(new Uint8Array(each)))).buffer;
}

function denseStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, extent) => product * extent, 1));
}
