/** Runs every primitive on seeded data and prints a digest of the results. Needs the built package. */
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
await backend[Symbol.asyncDispose]();
console.log(hash.digest("hex"));
