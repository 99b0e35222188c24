/** What the hosts of all ranks tell each other between steps, by way of the devices. */
import type { Collective, Runtime } from "@modernbert-ts/tensor-core";

/** The numbers of every rank, exactly, in the order of ranks. Waits for nothing that is queued after the call. */
export async function gatherNumbers(
  runtime: Runtime,
  collective: Collective,
  values: readonly number[],
): Promise<number[][]> {
  const words = new Int32Array(Float64Array.from(values).buffer);
  const all = new Float64Array((await gatherWords(runtime, collective, words)).buffer);
  const count = values.length;
  return Array.from({ length: collective.world }, (_, rank) =>
    Array.from(all.subarray(rank * count, (rank + 1) * count)),
  );
}

/** A plain JSON value of every rank, in the order of ranks. */
export async function gatherJson(runtime: Runtime, collective: Collective, value: unknown): Promise<unknown[]> {
  const bytes = new TextEncoder().encode(JSON.stringify(value ?? null));
  const lengths = (await gatherNumbers(runtime, collective, [bytes.length])).map(([length]) => length!);
  const words = Math.ceil(Math.max(...lengths) / 4);
  const padded = new Uint8Array(4 * words);
  padded.set(bytes);
  const all = new Uint8Array((await gatherWords(runtime, collective, new Int32Array(padded.buffer))).buffer);
  return lengths.map((length, rank) => {
    const from = 4 * words * rank;
    return JSON.parse(new TextDecoder().decode(all.subarray(from, from + length))) as unknown;
  });
}

/** words [n] of every rank → [world · n]. */
async function gatherWords(runtime: Runtime, collective: Collective, words: Int32Array): Promise<Int32Array> {
  const gathered = runtime.scope(() => {
    const own = runtime.tensor(words, [words.length], "i32");
    const all = runtime.empty([collective.world * words.length], "i32");
    collective.allGather(own.view, all.view);
    return all;
  });
  try {
    return Int32Array.from((await gathered.read()) as ArrayLike<number>);
  } finally {
    gathered.dispose();
  }
}
