/** Times cases against each other: all of them in every round, in another order each time, so that what drifts meets all alike. */
import { pool } from "@modernbert-ts/encoder";
import type { Encoder, PackedBatch } from "@modernbert-ts/encoder";
import type { OpenRuntime } from "@modernbert-ts/pipelines";

/** From token ids to one vector per text, read back. */
export async function embed(model: Encoder, batch: PackedBatch): Promise<void> {
  const vectors = model.runtime.scope(() => {
    const device = model.upload(batch);
    return pool(model.forward(device), device, "mean");
  });
  await vectors.read();
  vectors.dispose();
}

/** Seconds of every round, for each case in the order given; one round before is not counted. @throws the signal's reason */
export async function timeRounds(
  works: readonly (() => Promise<void>)[],
  rounds: number,
  signal: AbortSignal,
): Promise<number[][]> {
  const seconds = works.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < works.length; turn++) {
      signal.throwIfAborted();
      const at = (turn + round + 1) % works.length;
      const start = performance.now();
      await works[at]!();
      if (round >= 0) seconds[at]!.push((performance.now() - start) / 1000);
    }
  }
  return seconds;
}

/** The most bytes of buffers that one forward pass takes beside the parameters, by the pool's own count. */
export async function peakBytes(
  open: () => Promise<OpenRuntime>,
  create: (opened: OpenRuntime) => Encoder,
  batch: PackedBatch,
): Promise<{ readonly peak: number; readonly notFused: readonly string[] }> {
  await using opened = await open();
  const { backend } = opened.choice;
  const model = create(opened);
  await backend.synchronize();
  const before = backend.memory().activeBytes;
  await embed(model, batch);
  const peak = backend.memory().peakBytes - before;
  const notFused = opened.runtime
    .fusedReport()
    .flatMap(({ composite, reason }) => (reason === undefined ? [] : [`${composite}: ${reason}`]));
  model.dispose();
  return { peak, notFused };
}
