/** Ours beside torch and transformers: the same weights, in alternation on one card, numbers compared first. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saveModel } from "../../../../packages/modernbert/dist/node.js";
import { createEncoder } from "../encoder-run.mjs";
import { compareAttention } from "../peers/attention.mjs";
import { compareInference } from "../peers/inference.mjs";
import { compareTraining } from "../peers/training.mjs";
import { startPeer } from "../peer.mjs";
import { Skip } from "../recorder.mjs";
import { configOf } from "../workload.mjs";

export async function run({ record, backend, emulate, root }) {
  const peer = startPeer(root);
  const folder = mkdtempSync(join(tmpdir(), "modernbert-peers-"));
  const config = { ...configOf("base", emulate), sparsePrediction: true };
  const context = { record, peer, emulate, folder, config };
  try {
    if (peer.reason) {
      await record.part("peers", () => {
        throw new Skip(peer.reason);
      });
      return `skipped: ${peer.reason}`;
    }
    await record.part("product of torch", () => peer.ask("product", { size: emulate ? 64 : 8192 }));
    const { model } = createEncoder(backend, config, "masked-lm");
    await saveModel(folder, model, {});
    model.dispose();
    backend.trim();
    await compareAttention(context, "attention 128, 8 texts");
    await compareInference(context, "8 queries of 128", "8x128");
    await compareTraining(context, "training 1024", "32x1024");
    await compareInference(context, "mixed lengths", "mixed*16");
    await compareInference(context, "512", "64x512");
    await compareAttention(context, "attention 1k, local");
    await compareAttention(context, "attention 4k, global");
  } finally {
    peer.stop?.();
    rmSync(folder, { recursive: true, force: true });
  }
  const ratio = (name) => record.parts.find((part) => part.name === name)?.bestRatio?.toFixed(2) ?? "–";
  return `ours over the faster peer: 8 queries ${ratio("8 queries of 128")}, training ${ratio("training 1024")}, mixed lengths ${ratio("mixed lengths")}`;
}
