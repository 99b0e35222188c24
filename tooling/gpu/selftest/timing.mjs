/** How long queued work takes, and how fast that is. */
import { median } from "../../bench/report.mjs";

/** Seconds that one measurement may take, and how long a round of calls is. */
const [budget, round] = [2, 0.05];

/**
 * Milliseconds of one call of `queue`: the median over rounds of many calls with one wait, so that neither queuing nor waiting counts. In a
 * rehearsal it is called once.
 */
export async function millisecondsOf(backend, queue, { emulate, seconds = budget } = {}) {
  const timed = async (calls) => {
    const began = performance.now();
    for (let call = 0; call < calls; call++) queue();
    await backend.synchronize();
    return (performance.now() - began) / calls;
  };
  const first = await timed(1);
  if (emulate || first > seconds * 1000) return first;
  const rough = await timed(2);
  const calls = Math.max(1, Math.round((round * 1000) / Math.max(rough, 0.001)));
  const times = [];
  const ends = performance.now() + seconds * 1000;
  while (times.length < 3 || (times.length < 9 && performance.now() < ends)) times.push(await timed(calls));
  return median(times);
}

/**
 * @param {number} milliseconds
 * @param {{ flops?: number, bytes?: number }} work of a call
 * @param {{ teraflops?: number, gigabytesPerSecond?: number }} ceiling
 */
export function rates(milliseconds, { flops, bytes }, ceiling = {}) {
  const teraflops = flops / (milliseconds * 1e9);
  const gigabytesPerSecond = bytes / (milliseconds * 1e6);
  return {
    milliseconds,
    ...(flops && { teraflops, ofProduct: teraflops / ceiling.teraflops }),
    ...(bytes && { gigabytesPerSecond, ofCopy: gigabytesPerSecond / ceiling.gigabytesPerSecond }),
  };
}
