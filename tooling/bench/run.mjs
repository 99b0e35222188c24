/**
 * `pnpm bench [NAME…] [--shape S] [--cases BxL,…] [--rounds N] [--backend NAME]`: ours and its peers in one run.
 * Prints tables and writes JSON to tooling/bench/results/. Names: inference, weights, training, tokenizer.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

const names = ["inference", "weights", "training", "tokenizer"];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    shape: { type: "string" },
    cases: { type: "string" },
    rounds: { type: "string" },
    backend: { type: "string" },
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
  writeFileSync(new URL(`${name}.json`, results), `${JSON.stringify(await run(options), null, 2)}\n`);
}
process.exit(0);
