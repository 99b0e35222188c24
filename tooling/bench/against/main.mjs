/**
 * `pnpm bench inference training --against DIR`: our engine of two built checkouts, this one and DIR, in alternation. Each round is a
 * process of its own from its checkout's build, so that two versions never meet. Above 1, this checkout is the faster.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { machine, median, show, table } from "../report.mjs";
import { forwardRound, loopRound, openCheckout, stepRound } from "./programs.mjs";

const benches = {
  inference: { cases: ["1x8", "1x128", "8x128"], round: forwardRound },
  training: {
    cases: ["7x256x4x384@8x256", "loop"],
    round: (checkout, text) => (text === "loop" ? loopRound : stepRound)(checkout, text),
  },
};

/** @param {{ names: string[], against: string, cases?: string[], rounds?: number, backend?: string }} options names of benches */
export async function compare({ names, against, cases, rounds = 7, backend = "cpu" }) {
  const other = names.find((name) => !Object.hasOwn(benches, name));
  if (other) throw new Error(`[bench] expected ${Object.keys(benches).join(" or ")} with --against, got ${other}`);
  const scratch = mkdtempSync(join(tmpdir(), "modernbert-against-"));
  try {
    const here = openCheckout("this", fileURLToPath(new URL("../../../", import.meta.url)), scratch, backend);
    const there = openCheckout("against", against, scratch, backend);
    const rows = [];
    for (const name of names.length > 0 ? names : Object.keys(benches)) {
      const { cases: all, round } = benches[name];
      for (const text of cases ?? all)
        rows.push({ bench: name, ...(await alternate(text, round, here, there, rounds)) });
    }
    return { machine: machine(), rounds, rows, text: report(rows, rounds, here, there) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Pairs of rounds, each begun by the other checkout than the one before. */
async function alternate(text, round, here, there, rounds) {
  const times = { here: [], there: [] };
  const devices = new Set();
  for (let i = 0; i < rounds; i++) {
    for (const side of i % 2 === 0 ? ["there", "here"] : ["here", "there"]) {
      const { milliseconds, device } = await round(side === "here" ? here : there, text);
      times[side].push(milliseconds);
      devices.add(device);
    }
    console.log(`${text} ${i + 1}/${rounds}: ${show(times.here[i], 1)} ms, against ${show(times.there[i], 1)} ms`);
  }
  const ratios = times.here.map((milliseconds, i) => times.there[i] / milliseconds);
  return { case: text, device: [...devices].join(" / "), milliseconds: times, ratios, ratio: median(ratios) };
}

function report(rows, rounds, here, there) {
  const cells = rows.map(({ bench, case: text, milliseconds, ratios, ratio }) => [
    bench,
    text,
    show(median(milliseconds.here), 1),
    show(median(milliseconds.there), 1),
    show(ratio, 3),
    `${show(Math.min(...ratios), 2)} to ${show(Math.max(...ratios), 2)}`,
  ]);
  return [
    `${machine()}; ${[...new Set(rows.map(({ device }) => device))].join("; ")}.`,
    `This checkout (${commitOf(here)}) against ${there.root} (${commitOf(there)}): ${rounds} rounds in alternation.`,
    "Times are medians; `ratio` is the median over the pairs of rounds of how many times as fast this checkout is.",
    "",
    table(["bench", "case", "ms", "against, ms", "ratio", "pairs"], cells),
  ].join("\n");
}

function commitOf({ root }) {
  const git = (...args) =>
    execFileSync("git", ["-C", root, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    return `${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain", "-uno") ? ", with changes" : ""}`;
  } catch {
    return "no commit";
  }
}
