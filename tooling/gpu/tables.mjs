/**
 * `node tooling/gpu/tables.mjs RESULTS [--write]`: Markdown of a self-test's results: each figure that is asked for beside the measured one,
 * then all parts. With --write it goes into docs/benchmarks/cuda.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { table } from "../bench/report.mjs";
import { goals } from "./goals.mjs";
import { readResult } from "./selftest/recorder.mjs";
import { stageNames } from "./selftest/stage-names.mjs";

const never = "never measured";
const document = fileURLToPath(new URL("../../docs/benchmarks/cuda.md", import.meta.url));
const marks = ["<!-- results -->", "<!-- /results -->"];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean", default: false } },
});
const [folder] = positionals;
const results = new Map();
for (const name of folder === undefined ? [] : stageNames) {
  const result = readResult(folder, name);
  if (result) results.set(name, result);
}
if (folder !== undefined && results.size === 0) {
  console.error(`[tables] expected results of a self-test in ${folder}, found none: copy the box's results folder`);
  process.exit(2);
}

const text = [...circumstances(), "", goalTable(), ...[...results.values()].flatMap(partTables)].join("\n");
console.log(text);
if (options.write) {
  const [before, , after] = readFileSync(document, "utf8").split(new RegExp(`(?:${marks[0]}|${marks[1]})`));
  writeFileSync(document, `${before}${marks[0]}\n\n${text}\n\n${marks[1]}${after}`);
}

function circumstances() {
  if (results.size === 0) return ["No GPU was at hand: nothing here was measured."];
  return [...results.values()].map(({ stage, outcome, emulated, device, driver, date, commit, clocks }) => {
    const run = outcome === "complete" ? "" : ` (${outcome})`;
    const rate = clocks?.end?.["clocks.sm"] ? `, SM clock ${clocks.end["clocks.sm"]} MHz at the end` : "";
    const card = `${device ?? "no device"}${driver ? `, driver ${driver.driver_version}` : ""}${rate}`;
    return `- ${stage}${run}: ${emulated ? "**a rehearsal, no figures**, " : ""}${card}, ${date ?? "no date"}, commit ${commit ?? "unknown"}`;
  });
}

/** A rehearsal's figures are none. */
function goalTable() {
  const measured = new Map([...results].filter(([, { emulated }]) => !emulated));
  const isOn = (card) => card === undefined || [...measured.values()].some(({ device }) => device?.includes(card));
  const rows = goals.map(({ phase, what, goal, most, unit, card, of }) => {
    const value = of(measured);
    const met = (most ? value <= goal : value >= goal) ? "yes" : "no";
    const asked = `${most ? "≤" : "≥"} ${show(goal)} ${unit}${card ? `, ${card}` : ""}`;
    if (value === undefined) return [String(phase), what, asked, never, ""];
    return [String(phase), what, asked, `${show(value)} ${unit}`, isOn(card) ? met : "another card"];
  });
  return table(["phase", "figure", "asked", "measured", "met"], rows);
}

function partTables({ stage, parts, emulated }) {
  if (emulated) return [];
  return ["", `## ${stage}`, "", table(["part", "found"], parts.map(cells))];
}

function cells({ name, skipped, failed, ...numbers }) {
  if (failed) return [name, `FAILED: ${failed.split("\n")[0]}`];
  return [name, skipped ? `skipped: ${skipped}` : list(numbers)];
}

/** Numbers and words in one cell; what is nested, by its names. */
function list(numbers) {
  return Object.entries(numbers)
    .filter(([name, value]) => !Array.isArray(value) && !["seconds", "reasons"].includes(name))
    .map(([name, value]) =>
      typeof value === "object" && value ? `${name} (${list(value)})` : `${name} ${show(value)}`,
    )
    .join(", ")
    .replaceAll("|", "\\|");
}

function show(value) {
  if (typeof value !== "number") return String(value);
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}
