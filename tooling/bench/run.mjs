/**
 * `pnpm bench [NAME…] [--shape S] [--cases C,…] [--rounds N] [--backend NAME] [--write]`: ours and its peers in one run.
 * Prints tables and writes JSON to tooling/bench/results/; with --write also puts them into the documents.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { putIntoDocument } from "./document.mjs";

const names = ["inference", "weights", "training", "tokenizer", "webgpu", "webgpu-browser"];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    shape: { type: "string" },
    cases: { type: "string" },
    rounds: { type: "string" },
    backend: { type: "string" },
    write: { type: "boolean" },
  },
});
const unknown = positionals.find((name) => !names.includes(name));
if (unknown) {
  console.error(`[bench] expected ${names.join(", ")}, got ${unknown}`);
  process.exit(2);
}
const options = {
  ...(values.shape && { shape: values.shape }),
  ...(values.cases && { cases: values.cases.split(",") }),
  ...(values.rounds && { rounds: Number(values.rounds) }),
  ...(values.backend && { backend: values.backend }),
};
const results = new URL("results/", import.meta.url);
mkdirSync(results, { recursive: true });
for (const name of positionals.length > 0 ? positionals : names) {
  console.log(`\n## ${name}`);
  const { run } = await import(`./${name}.mjs`);
  const result = await run(options);
  console.log(`\n${result.text}`);
  writeFileSync(new URL(`${name}.json`, results), `${JSON.stringify({ benchmark: name, ...result }, null, 2)}\n`);
  if (values.write && !result.skipped) putIntoDocument(name, result.text);
}
process.exit(0);
