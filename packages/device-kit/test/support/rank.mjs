/** What processes that test a collective share: views on a backend, numbers that tell ranks apart, one line of JSON to say what came of it. */

export const messageOf = async (promise) =>
  promise.then(
    () => "nothing",
    (error) => `${error.name}: ${error.message}`,
  );

export const reporter = (rank) => (value) => process.stdout.write(`${JSON.stringify({ rank, ...value })}\n`);

const dense = (shape) => shape.map((_, axis) => shape.slice(axis + 1).reduce((size, extent) => size * extent, 1));

export function rankOn(backend, collective, { rank, world }) {
  const viewOf = (dtype, shape, bytes = 4) => {
    const size = shape.reduce((total, extent) => total * extent, 1);
    return { buffer: backend.allocate(size * bytes), dtype, shape, strides: dense(shape), offset: 0 };
  };
  const put = (data, dtype = "f32") => {
    const view = viewOf(dtype, [data.length], data.BYTES_PER_ELEMENT);
    backend.write(view.buffer, data);
    return view;
  };
  const get = async ({ buffer, shape: [size] }, Type = Float32Array) =>
    Array.from(new Type(await backend.read(buffer, 0, size * Type.BYTES_PER_ELEMENT)));
  /** A number that no sum of others gives again. */
  const own = (at) => Math.fround(Math.sin(1 + at * world + rank) * 10 ** (at % 7));
  /** Sums beside a command that uses the processor, from what was there before it; one of them by way of a copy. */
  const sumBeside = (values) => {
    const views = [put(values), put(new Float32Array(300_000).fill(1 + rank)), put(values)];
    for (const view of views)
      collective.beside(() =>
        collective.allReduce({
          ...view,
          shape: [view === views[2] ? 3 : view.shape[0]],
          strides: [view === views[2] ? 2 : 1],
        }),
      );
    const busy = put(new Float32Array(300_000).fill(1));
    backend.run("copy", [viewOf("f32", [300_000])], [busy], {});
    collective.settle();
    return async () => [await get(views[0]), [...new Set(await get(views[1]))], await get(views[2])];
  };
  return { viewOf, put, get, own, sumBeside };
}
