#!/usr/bin/env node
/**
 * Runs the suite on built backends and writes a table of what it covers. File and backends come as arguments, because this package knows none:
 *   node packages/conformance/scripts/coverage.mjs docs/coverage.md \
 *     --oracle packages/backend-cpu/dist/engines/typescript/index.js#createTypeScriptBackend \
 *     "CPU, C kernels=packages/backend-cpu/dist/index.js#createCpuBackend {\"engine\":\"native\"}"
 */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { conformanceCases, coverageReport, openSession, runCase } from "../dist/index.js";

/** `MODULE#EXPORT JSON` as a function that makes a backend. */
function factory(text) {
  const [location, ...options] = text.split(" ");
  const [path, name] = location.split("#");
  if (!name) throw new Error(`[coverage] expected MODULE#EXPORT, got ${location}`);
  return async () => {
    const module = await import(pathToFileURL(resolve(path)).href);
    return module[name](options.length > 0 ? JSON.parse(options.join(" ")) : {});
  };
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { oracle: { type: "string" } } });
const [output, ...subjects] = positionals;
if (output === undefined || subjects.length === 0) {
  console.error("[coverage] expected an output file and at least one NAME=MODULE#EXPORT");
  process.exit(2);
}

const sections = [
  "# Coverage",
  "What the conformance suite covers on each backend. Written by `packages/conformance/scripts/coverage.mjs`.",
];
let failed = 0;
for (const subject of subjects) {
  const [name, text] = subject.split(/=(.*)/s);
  const oracle = values.oracle === undefined ? {} : { oracle: factory(values.oracle) };
  const session = await openSession({ name, create: factory(text), ...oracle });
  const results = [];
  for (const each of conformanceCases()) {
    const result = await runCase(each, session);
    results.push(result);
    if (result.outcome.status !== "failed") continue;
    failed++;
    console.error(`${name}: ${each.name}: ${result.outcome.error}`);
  }
  sections.push(coverageReport({ name, device: session.backend.capabilities.device, results }));
  await session[Symbol.asyncDispose]();
}
sections.push("✓ passed, ✗ failed, – skipped, empty: no case asks for it.");
await writeFile(output, `${sections.join("\n\n")}\n`);
process.exitCode = failed > 0 ? 1 : 0;
