/** Runs every primitive, in each of its forms, and the fused kernels on seeded data and prints a digest of the results. Needs the built package. */
import { createHash } from "node:crypto";
import { createCudaBackend } from "@modernbert-ts/backend-cuda";
import { denseStrides, scalar, sizeOf, x } from "@modernbert-ts/tensor-core";

const backend = await createCudaBackend();
const hash = createHash("sha256");

const empty = (shape, dtype = "f32") => {
  const buffer = backend.allocate(sizeOf(shape) * 4);
  return { buffer, dtype, shape, strides: denseStrides(shape), offset: 0 };
};

/** Runs a primitive on a fresh output, digests it and gives it back. */
async function run(name, shape, inputs, attrs, dtype = "f32") {
  const out = empty(shape, dtype);
  backend.run(name, [out], inputs, attrs);
  hash.update(new Uint8Array(await backend.read(out.buffer, 0, sizeOf(shape) * 4)));
  return out;
}

const key = { key: [1, 2], counter: [3, 4] };
const numbers = await run("randomBits", [300, 70], [], key);
const ids = empty([300], "i32");
backend.write(
  ids.buffer,
  Int32Array.from({ length: 300 }, (_, i) => (i * i) % 37),
);
const columns = { ...ids, shape: [300, 1], strides: [1, 1] };
const turned = { ...numbers, shape: [70, 300], strides: [1, 70] };

await run("fill", [5], [], { value: 2.5 });
await run("iota", [3, 100], [], { start: 1, step: 0.1 });
await run("copy", [70, 300], [turned], {});
await run("map", [300, 70], [numbers], { expression: scalar.exp(scalar.mul(x(0), x(0))) });
await run("reduce", [300, 1], [numbers], { kind: "sum", axes: [1] });
await run("reduce", [1, 1], [numbers], { kind: "sum", axes: [0, 1] });
await run("matmul", [300, 300], [numbers, turned], { alpha: 0.5, accumulate: false });
await run("gather", [300, 70], [numbers, ids], {});
await run("segmentSum", [37, 70], [numbers, ids], {});
await run("takeAlong", [300, 1], [numbers, columns], {});
const picked = { ...numbers, shape: [300, 1], strides: [1, 1] };
await run("putAlong", [300, 40], [picked, columns], {});

/** A fused kernel's forward and backward on seeded tensors of these shapes. `saved` is what it leaves for its backward. */
async function runBothWays(name, attrs, inputs, outputShapes, saved = []) {
  const outputs = outputShapes.map((shape) => empty(shape));
  const kernel = backend.fused[name];
  kernel.forward({ attrs, inputs, outputs, saved });
  const gradInputs = inputs.map((input, at) => (input && (name !== "rope" || at === 0) ? empty(input.shape) : null));
  kernel.backward({ attrs, inputs, outputs, saved, gradOutputs: outputs, gradInputs });
  for (const { buffer, shape } of [...outputs, ...gradInputs.filter(Boolean)])
    hash.update(new Uint8Array(await backend.read(buffer, 0, sizeOf(shape) * 4)));
}

// Rows in the registers of a warp, and by blocks.
for (const width of [272, 70]) {
  const [rows, row] = [await run("randomBits", [20, width], [], key), await run("randomBits", [width], [], key)];
  const attrs = { eps: 1e-5, dtype: "f32", dropout: { rate: 0.25, ...key } };
  const shapes = [
    [20, width],
    [20, width],
  ];
  await runBothWays("residualLayerNorm", attrs, [rows, rows, row, row, null], shapes, [empty([20, 2])]);
  await runBothWays("glu", { activation: "gelu" }, [rows], [[20, width / 2]]);
}
const qkv = await run("randomBits", [20, 3, 2, 32], [], key);
const angles = await run("randomBits", [37, 16], [], key);
await runBothWays("rope", {}, [qkv, angles, angles, { ...ids, shape: [20] }], [[20, 3, 2, 32]]);
const view = (shape, of = numbers, offset = 0) => ({ ...of, shape, strides: denseStrides(shape), offset });
const crowded = empty([5000], "i32");
backend.write(
  crowded.buffer,
  Int32Array.from({ length: 5000 }, (_, i) => (i % 4 === 0 ? 9 : (i * i) % 700)),
);
await run("segmentSum", [700, 4], [view([5000, 4]), crowded], {});
await run("putAlong", [2, 700], [view([2, 2500]), view([2, 2500], crowded)], {});
await run("reduce", [1, 128], [view([164, 128])], { kind: "sum", axes: [0] });
await run("reduce", [1, 1], [view([1, 21_000])], { kind: "sum", axes: [1] });

/** Runs a fused kernel on fresh outputs and digests all that it writes, `updated` included. */
async function runForward(name, shapes, inputs, { attrs = {}, saved = [], updated = [] } = {}) {
  const [outputs, kept] = [shapes, saved].map((each) => each.map((shape) => empty(shape)));
  backend.fused[name].forward({ attrs, inputs, outputs, saved: kept });
  for (const { buffer, shape, offset } of [...outputs, ...kept, ...updated])
    hash.update(new Uint8Array(await backend.read(buffer, offset * 4, sizeOf(shape) * 4)));
}

const [hidden, weight, bias] = [view([60, 30]), view([600, 30], numbers, 2000), view([600])];
await runForward("linearCrossEntropy", [[1], [1]], [hidden, weight, bias, view([60], ids)], {
  saved: [hidden, weight, bias].map(({ shape }) => shape),
});
await runForward("globalNorm", [[1]], [numbers, view([10_001])]);
const words = view([7, 15], crowded);
await runForward("int8Linear", [[60, 7]], [view([60, 60]), words, view([7]), null]);
const state = [0, 1, 2, 3].map((at) => view([5000], numbers, 5000 * at));
const control = empty([1, 5]);
backend.write(control.buffer, Float32Array.of(1e-3, 0.9, 0.98, 1e-6, 0.01));
await runForward("stableAdamWAll", [], [view([1]), control, ...state, null], {
  attrs: { groups: [0] },
  updated: [state[0], state[2], state[3]],
});
await backend[Symbol.asyncDispose]();
console.log(hash.digest("hex"));
