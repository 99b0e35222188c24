/** Attention alone: ours beside torch's sdpa on padded texts, on nested tensors, and flex attention. */
import { Runtime, varlenAttention, vjp } from "../../../../packages/tensor-core/dist/index.js";
import { filled } from "../kernels/tensors.mjs";
import { openBackend } from "../open.mjs";
import { Skip } from "../recorder.mjs";
import { lengthsFor } from "../workload.mjs";
import { compareEngines, whichCan } from "./compare.mjs";

/** batch, heads, window */
const settings = {
  "attention 128, 8 texts": ["8x128", 12, null],
  "attention 1k, local": ["32x1024", 12, 64],
  "attention 4k, global": ["4x4096", 12, null],
};
/** Calls behind one wait. */
const calls = 20;

export async function compareAttention({ record, peer, emulate }, name) {
  const [batch, ...rest] = settings[name];
  const [heads, window] = emulate ? [2, rest[1] && 4] : rest;
  const lengths = lengthsFor(batch, emulate);
  for (const backward of [false, true]) {
    await record.part(backward ? `${name}, with backward` : name, async () => {
      await using backend = await openBackend(emulate);
      if (!backend.fused.varlenAttention) throw new Skip("the backend has no fused varlenAttention");
      const ask = (kind) => () => peer.ask("attention", { kind, lengths, heads, window, backward });
      const { can, reasons } = await whichCan({ sdpa: ask("sdpa"), nested: ask("nested"), flex: ask("flex") });
      const ours = ourAttention(backend, { lengths, heads, window, backward, emulate });
      const peers = Object.fromEntries(can.map((kind) => [kind, async () => (await ask(kind)()).ms]));
      const found = await compareEngines({ ours: ours.run, ...peers }, emulate);
      ours.dispose();
      return { ...found, reasons };
    });
  }
}

function ourAttention(backend, { lengths, heads, window, backward, emulate }) {
  const runtime = new Runtime(backend, { fusion: "fused" });
  const ends = lengths.map((_, at) => lengths.slice(0, at + 1).reduce((a, b) => a + b));
  const tokens = ends.at(-1);
  const qkv = filled(runtime, [tokens, 3, heads, 64], "bf16", 4);
  const seed = filled(runtime, [tokens, heads, 64], "bf16");
  const cuSeqlens = runtime.tensor(Int32Array.of(0, ...ends), [ends.length + 1], "i32");
  const options = { scale: 1 / 8, window, maxSeqlen: Math.max(...lengths) };
  const attend = () => varlenAttention(qkv, cuSeqlens, options);
  const once = backward
    ? () => runtime.scope(() => void vjp(runtime, [qkv], attend, (output) => [{ output, gradient: seed }]))
    : () => runtime.scope(() => void attend());
  const times = emulate ? 1 : calls;
  return {
    async run() {
      const began = performance.now();
      for (let call = 0; call < times; call++) once();
      await backend.synchronize();
      return (performance.now() - began) / times;
    },
    dispose() {
      for (const tensor of [qkv, seed, cuSeqlens]) tensor.dispose();
    },
  };
}
