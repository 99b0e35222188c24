/** Runs attention on seeded data, forward and backward, and prints a digest of the results. Needs the built packages. */
import { createHash } from "node:crypto";
import { createCudaBackend } from "@modernbert-ts/backend-cuda";
import { cast, Runtime, uniform, varlenAttention, vjp } from "@modernbert-ts/tensor-core";

const backend = await createCudaBackend();
const runtime = new Runtime(backend, { fusion: "fused" });
const hash = createHash("sha256");

const lengths = [130, 0, 33, 1];
const [tokens, heads, width, maxSeqlen] = [164, 1, 64, 130];
const ends = runtime.tensor([0, 130, 130, 163, 164], [5], "i32");
const keyCounts = runtime.tensor([100, 0, 33, 1], [4], "i32");
const positions = runtime.tensor(
  lengths.flatMap((length) => Array.from({ length }, (_, at) => at)),
  [tokens],
  "i32",
);
const random = (shape, stream) => uniform(runtime, shape, { seed: 1, stream });
const rope = { cos: random([maxSeqlen, width / 2], 3), sin: random([maxSeqlen, width / 2], 4), positions };
const dropout = { rate: 0.1, draw: { seed: 5, stream: 6 } };
const scale = 1 / 8;
const variants = [
  { scale, window: null, maxSeqlen },
  { scale, window: 20, maxSeqlen, rope, keyCounts },
  { scale, window: null, maxSeqlen, rope, dropout },
];

for (const dtype of ["f32", "bf16", "f16"]) {
  const qkv = cast(random([tokens, 3, heads, width], 1), dtype);
  const seed = cast(random([tokens, heads, width], 2), dtype);
  for (const options of variants) {
    const { value, gradients } = vjp(
      runtime,
      [qkv],
      () => varlenAttention(qkv, ends, options),
      (output) => [{ output, gradient: seed }],
    );
    for (const tensor of [value, gradients[0]]) hash.update(new Uint8Array((await tensor.read()).buffer));
  }
}
await backend[Symbol.asyncDispose]();
console.log(hash.digest("hex"));
