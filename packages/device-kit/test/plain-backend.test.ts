/** The smallest backend that conformance takes, made as CONTRIBUTING.md says ("Add a backend"): four primitives over array buffers. */
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { compileProgram, hostView, scalarTable, sizeOf, UnsupportedError } from "@modernbert-ts/tensor-core";
import type { Backend, DType, HostArray, PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import { Buffers, CallRecorder, captureReplay, Lifetime, Pool, replayCalls } from "../src/index.ts";
import type { Block } from "../src/index.ts";

interface ArrayBlock extends Block {
  readonly memory: ArrayBuffer;
}

const dtypes: readonly DType[] = ["f32", "f64", "i32", "u32"];
const maxBlockBytes = 2 ** 30;

/** Visits the elements of views of one shape, row by row, with the place of each in its buffer. */
function eachElement(views: readonly View[], visit: (places: readonly number[], index: number) => void): void {
  const { shape } = views[0]!;
  for (let index = 0; index < sizeOf(shape); index++) {
    const places = views.map(({ offset }) => offset);
    for (let axis = shape.length - 1, rest = index; axis >= 0; axis--) {
      const at = rest % shape[axis]!;
      views.forEach(({ strides }, which) => (places[which]! += at * strides[axis]!));
      rest = Math.floor(rest / shape[axis]!);
    }
    visit(places, index);
  }
}

function missing(operation: string): () => never {
  return () => {
    throw new UnsupportedError(operation, "expected a primitive that the plain backend has");
  };
}

function plainKernels(arrayOf: (view: View) => HostArray): PrimitiveKernels<View> {
  return {
    fill([out], _, { value }) {
      const array = arrayOf(out!);
      eachElement([out!], ([at]) => (array[at!] = value));
    },
    iota([out], _, { start, step }) {
      const [array, width] = [arrayOf(out!), out!.shape.at(-1) ?? 1];
      eachElement([out!], ([at], index) => (array[at!] = start + step * (index % width)));
    },
    copy([out], [x]) {
      const [to, from] = [arrayOf(out!), arrayOf(x!)];
      eachElement([out!, x!], ([at, source]) => (to[at!] = from[source!]!));
    },
    map([out], inputs, { expression }) {
      const { instructions, inputs: used, result } = compileProgram(expression);
      const [to, ...from] = [out!, ...inputs].map(arrayOf);
      eachElement([out!, ...inputs], ([at, ...sources]) => {
        const values = from.slice(0, used).map((array, which) => array[sources[which]!]!);
        for (const each of instructions) {
          if (each.kind === "constant") values[each.target] = each.value;
          else {
            const [a = 0, b = 0, c = 0] = each.args.map((argument) => values[argument]!);
            values[each.target] = scalarTable[each.name].evaluate(a, b, c);
          }
        }
        to![at!] = values[result]!;
      });
    },
    randomBits: missing("randomBits"),
    reduce: missing("reduce"),
    matmul: missing("matmul"),
    gather: missing("gather"),
    segmentSum: missing("segmentSum"),
    takeAlong: missing("takeAlong"),
    putAlong: missing("putAlong"),
  };
}

function createPlainBackend(): Backend {
  const heap = { allocate: (bytes: number): ArrayBlock => ({ bytes, memory: new ArrayBuffer(bytes) }), free() {} };
  const buffers = new Buffers(new Pool<ArrayBlock>(heap, { maxBlockBytes }));
  const lifetime = new Lifetime("backend");
  const recorder = new CallRecorder();
  const settle = (operation: string): void => {
    lifetime.check(operation);
    buffers.pool.checkNotRecording(operation);
  };
  return {
    name: "plain",
    capabilities: {
      storage: dtypes,
      arithmetic: dtypes,
      accelerated: [],
      maxBufferBytes: maxBlockBytes,
      deterministic: true,
      device: "array buffers",
    },
    fused: {},
    allocate(byteLength) {
      lifetime.check("allocate");
      return buffers.allocate(byteLength);
    },
    release(buffer) {
      if (!lifetime.ended) buffers.release(buffer);
    },
    write(buffer, data, byteOffset = 0) {
      lifetime.check("write");
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
      const { memory } = buffers.findRange("write", buffer, byteOffset, bytes.length);
      recorder.run(() => new Uint8Array(memory).set(bytes, byteOffset));
    },
    async read(buffer, byteOffset, byteLength) {
      settle("read");
      return buffers
        .findRange("read", buffer, byteOffset, byteLength)
        .memory.slice(byteOffset, byteOffset + byteLength);
    },
    run(op, outputs, inputs, attrs) {
      lifetime.check(op);
      const found = [...outputs, ...inputs].map(({ buffer }) => [buffer, buffers.find(op, buffer).memory] as const);
      const memories = new Map(found);
      const kernels = plainKernels(({ buffer, dtype }) => hostView(dtype, memories.get(buffer)!));
      recorder.run(() => kernels[op](outputs, inputs, attrs));
    },
    flush: () => lifetime.check("flush"),
    synchronize: async () => settle("synchronize"),
    memory: () => buffers.stats(),
    trim: (maxCachedBytes) => buffers.pool.trim(maxCachedBytes),
    capture: (record) => captureReplay(lifetime, buffers.pool, () => recorder.record(record), replayCalls),
    async [Symbol.asyncDispose]() {
      lifetime.end();
      buffers.destroy();
    },
  };
}

describeConformance(
  {
    name: "a plain backend",
    create: async () => createPlainBackend(),
    skip: [{ cases: "commands / an error is reported once and does not stop later work", reason: "it has no gather" }],
  },
  /^(transfers|memory|commands|fill|iota|copy|map) \/|^capture \/ (recording runs|refused)/,
);
