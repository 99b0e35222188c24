/**
 * The bench of a case: places arrays on the backend in a layout, makes outputs among guard elements, reads them back and checks
 * that nothing beside the view was written. Everything beside an array is NaN, so reading it shows.
 */
import { bytesOf, denseStrides, hostView } from "@modernbert-ts/tensor-core";
import type {
  Backend,
  BufferId,
  DType,
  HostArray,
  PrimitiveAttrs,
  PrimitiveName,
  Shape,
  View,
} from "@modernbert-ts/tensor-core";
import { expectThat } from "./expectation.ts";
import { dense, placeLayout } from "./layout.ts";
import type { Layout } from "./layout.ts";
import { addressesOf, loadHost, makeArray, poisoned, storeHost } from "./nd-array.ts";
import type { NdArray } from "./nd-array.ts";

export interface Bench {
  /** Puts an array on the backend. For broadcast layouts, pass it through `repeatAlong` first. */
  input(array: NdArray, layout?: Layout): View;
  /** A place for results, holding `content`, or NaN everywhere. */
  output(dtype: DType, shape: Shape, layout?: Layout, content?: NdArray): View;
  /** Runs a primitive with one output. */
  run<K extends PrimitiveName>(op: K, output: View, inputs: readonly View[], attrs: PrimitiveAttrs[K]): void;
  /** The array that a view shows. @throws ConformanceError when an element beside an output's view has changed. */
  read(view: View): Promise<NdArray>;
  /** `input`, `run`, `read` for the usual case of one dense result. */
  compute<K extends PrimitiveName>(
    op: K,
    result: { readonly dtype: DType; readonly shape: Shape; readonly layout?: Layout },
    inputs: readonly View[],
    attrs: PrimitiveAttrs[K],
  ): Promise<NdArray>;
  releaseAll(): void;
}

interface Placed {
  readonly length: number;
  readonly isOutput: boolean;
}

export function createBench(backend: Backend): Bench {
  const placed = new Map<BufferId, Placed>();

  function place(array: NdArray | undefined, dtype: DType, shape: Shape, layout: Layout, isOutput: boolean): View {
    const { offset, strides, length } = placeLayout(layout, shape);
    const host = poisoned(dtype, length);
    if (array !== undefined) {
      const addresses = addressesOf(shape, strides, offset);
      array.values.forEach((value, position) => storeHost(dtype, host, addresses[position]!, value));
    }
    const buffer = backend.allocate(host.byteLength);
    placed.set(buffer, { length, isOutput });
    backend.write(buffer, host);
    return { buffer, dtype, shape, strides, offset };
  }

  const bench: Bench = {
    input: (array, layout = dense) => place(array, array.dtype, array.shape, layout, false),
    output: (dtype, shape, layout = dense, content) => place(content, dtype, shape, layout, true),
    run: (op, output, inputs, attrs) => backend.run(op, [output], inputs, attrs),
    async read(view) {
      const { length, isOutput } = placed.get(view.buffer)!;
      const bytes = await backend.read(view.buffer, 0, length * bytesOf(view.dtype));
      const host = hostView(view.dtype, bytes);
      const addresses = addressesOf(view.shape, view.strides, view.offset);
      if (isOutput) checkGuards(addresses, host);
      return makeArray(view.dtype, view.shape, (position) => loadHost(view.dtype, host, addresses[position]!));
    },
    async compute(op, { dtype, shape, layout }, inputs, attrs) {
      const output = bench.output(dtype, shape, layout);
      bench.run(op, output, inputs, attrs);
      return bench.read(output);
    },
    releaseAll() {
      for (const buffer of placed.keys()) backend.release(buffer);
      placed.clear();
    },
  };
  return bench;
}

function checkGuards(addresses: Int32Array, host: HostArray): void {
  const inside = new Uint8Array(host.length);
  for (const address of addresses) inside[address] = 1;
  const bytes = new Uint8Array(host.buffer);
  const size = host.BYTES_PER_ELEMENT;
  const touched = bytes.findIndex((byte, at) => byte !== 0xff && inside[Math.floor(at / size)] === 0);
  expectThat(
    touched < 0,
    `expected element ${Math.floor(touched / size)} of the output buffer, outside the view, to stay as it was`,
  );
}

/** The array with its values repeated along the axes that the layout broadcasts. */
export function repeatAlong(array: NdArray, layout: Layout): NdArray {
  const repeated = layout.broadcast(array.shape.length);
  const strides = denseStrides(array.shape).map((stride, axis) => (repeated.includes(axis) ? 0 : stride));
  const addresses = addressesOf(array.shape, strides, 0);
  return makeArray(array.dtype, array.shape, (position) => array.values[addresses[position]!]!);
}
