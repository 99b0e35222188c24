/**
 * `pnpm bench [NAME…] [--shape S] [--cases C,…] [--rounds N] [--backend NAME] [--write]`: ours and its peers in one run.
 * Prints tables and writes JSON to tooling/bench/results/; with --write also puts them into the documents.
 * With `--against DIR`: this checkout and another, without peers (against/main.mjs).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { putIntoDocument } from "./document.mjs";

const names = [
  "inference",
  "weights",
  "opening",
  "training",
  "finetuning",
  "tokenizer",
  "data",
  "ranks",
  "server",
  "webgpu",
  "webgpu-browser",
];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    shape: { type: "string" },
    cases: { type: "string" },
    rounds: { type: "string" },
    backend: { type: "string" },
    write: { type: "boolean" },
    against: { type: "string" },
  },
});
const unknown = positionals.find((name) => !names.includes(name));
if (unknown) usageError(`expected ${names.join(", ")}, got ${unknown}`);
const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
  usageError(`expected --rounds of 1 or more, got ${values.rounds}`);
const refused =
  values.against === undefined ? undefined : ["shape", "write"].find((name) => values[name] !== undefined);
if (refused) usageError(`expected no --${refused} with --against, got it`);
const options = {
  ...(values.shape && { shape: values.shape }),
  ...(values.cases && { cases: values.cases.split(",") }),
  ...(rounds && { rounds }),
  ...(values.backend && { backend: values.backend }),
};
const results = new URL("results/", import.meta.url);
mkdirSync(results, { recursive: true });
if (values.against !== undefined) {
  const { compare } = await import("./against/main.mjs");
  const result = await compare({ names: positionals, against: values.against, ...options }).catch(stop);
  console.log(`\n${result.text}`);
  save("against", result);
  process.exit(0);
}
for (const name of positionals.length > 0 ? positionals : names) {
  console.log(`\n## ${name}`);
  const { run } = await import(`./${name}.mjs`);
  const result = await run(options);
  console.log(`\n${result.text}`);
  save(name, result);
  if (values.write && !result.skipped) putIntoDocument(name, result.text);
}
process.exit(0);

function save(name, result) {
  writeFileSync(new URL(`${name}.json`, results), `${JSON.stringify({ benchmark: name, ...result }, null, 2)}\n`);
}

function usageError(message) {
  console.error(`[bench] ${message}`);
  process.exit(2);
}

function stop(error) {
  console.error(error.message.startsWith("[bench]") ? error.message : error.stack);
  process.exit(1);
}
