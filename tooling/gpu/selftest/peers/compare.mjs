/** Engines in alternation: medians, and ours over each peer. */
import { alternate, median } from "../../../bench/report.mjs";

/** @param {Record<string, () => Promise<number | void>>} engines `ours` and peers; a number is milliseconds */
export async function compareEngines(engines, emulate) {
  const times = emulate ? await once(engines) : await alternate(engines, 5, 10);
  const milliseconds = Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
  const ratios = Object.fromEntries(
    Object.keys(engines)
      .filter((name) => name !== "ours")
      .map((name) => [name, milliseconds[name] / milliseconds.ours]),
  );
  const values = Object.values(ratios);
  return { milliseconds, ratios, ...(values.length > 0 && { bestRatio: Math.min(...values) }) };
}

async function once(engines) {
  const times = {};
  for (const [name, run] of Object.entries(engines)) {
    const began = performance.now();
    times[name] = [(await run()) ?? performance.now() - began];
  }
  return times;
}

/** What a peer can do of these, and why not of the others. @param {Record<string, () => Promise<unknown>>} attempts */
export async function whichCan(attempts) {
  const [can, reasons] = [[], {}];
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      await attempt();
      can.push(name);
    } catch (error) {
      reasons[name] = error.message;
    }
  }
  return { can, reasons };
}
