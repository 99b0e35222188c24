/** Data of the trainer: masked batches from prepared shards, and `prepare` beside the tokenizer alone, on the same text. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { median, show, table } from "./report.mjs";

const built = (path) => new URL(`../../${path}/dist/index.js`, import.meta.url).href;
const words =
  "the of and to in a is that for it was on are as with his they be at one have this from or had by but".split(" ");
/** So many that the seconds of a start count little. */
const documents = 120_000;

/** @param {{ rounds?: number }} options */
export async function run({ rounds = 3 } = {}) {
  const { prepare } = await import(built("apps/trainer"));
  const { maskedLmLoader, openTokenShards } = await import(built("packages/training"));
  const { loadModernBertTokenizer } = await import(built("packages/tokenizer"));
  const folder = mkdtempSync(join(tmpdir(), "modernbert-bench-data-"));
  try {
    const texts = makeTexts();
    const file = join(folder, "texts.jsonl");
    writeFileSync(file, texts.map((text) => JSON.stringify({ text })).join("\n"));
    const megabytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
    const tokenizer = await loadModernBertTokenizer();
    const settings = { tokenizer: "modernbert", vocabSize: 8192, validation: 0.01, seed: 1, onNotice: () => {} };
    const speeds = { tokenizer: [], "prepare, no worker": [], "prepare, 2 workers": [], loader: [] };
    for (let round = -1; round < rounds; round++) {
      const took = {
        tokenizer: await seconds(() => texts.forEach((text) => tokenizer.encode(text))),
      };
      for (const workers of [0, 2]) {
        const output = join(folder, `data-${workers}-${round}`);
        const name = workers === 0 ? "prepare, no worker" : "prepare, 2 workers";
        took[name] = await seconds(() => prepare({ ...settings, inputs: [file], output, workers }));
      }
      for (const [name, time] of Object.entries(took)) if (round >= 0) speeds[name].push(megabytes / time);
    }
    const store = openTokenShards(join(folder, "data-0-0", "train"));
    const { cls, sep, pad, mask } = tokenizer.specialTokens;
    const packing = { rowLength: 16_384, rows: 4, maxLength: 1024, clsId: cls, sepId: sep, maskProbability: 0.3 };
    const specialIds = [cls, sep, pad, mask];
    const loader = maskedLmLoader({ store, seed: 1, ...packing, mask: { maskId: mask, specialIds } });
    for (let round = -3; round < 2 * rounds; round++) {
      let tokens = 0;
      const time = await seconds(() => {
        for (let batch = 0; batch < 20; batch++) tokens += loader.next(tokens).tokens;
      });
      if (round >= 0) speeds.loader.push(tokens / time / 1e6);
    }
    const medians = Object.fromEntries(Object.entries(speeds).map(([name, values]) => [name, median(values)]));
    return { what: "data", rounds, megabytes, speeds: medians, text: report(medians, rounds, megabytes) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function seconds(work) {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Words drawn with few at the front, in documents of some 100 to 3,000 characters. */
function makeTexts() {
  let seed = 1;
  const draw = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const word = () =>
    draw() < 0.5 ? words[Math.floor(draw() * words.length)] : Math.floor(draw() ** 3 * 1e6).toString(36);
  return Array.from({ length: documents }, () => Array.from({ length: 20 + draw() ** 2 * 500 }, word).join(" "));
}

function report(speeds, rounds, megabytes) {
  const rows = Object.entries(speeds).map(([name, speed]) => {
    const share = name.startsWith("prepare") ? `${show((100 * speed) / speeds.tokenizer)} %` : "";
    return [name, name === "loader" ? `${show(speed, 2)}M tokens/s` : `${show(speed, 1)} MB/s`, share];
  });
  return [
    `${cpus()[0]?.model}, ${cpus().length} cores, load average ${show(loadavg()[0], 1)}; ${show(megabytes)} MB of text, median of ${rounds} rounds.`,
    "",
    table(["", "speed", "of the tokenizer on one thread"], rows),
  ].join("\n");
}
