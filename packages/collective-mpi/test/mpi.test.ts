/** Ranks as processes of mpirun: each test's part stands in ranks.mjs. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const found = spawnSync("mpirun", ["--version"], { encoding: "utf8" });
const openMpi = found.status === 0 && found.stdout.includes("Open MPI");
const built = existsSync(fileURLToPath(new URL("../dist/index.js", import.meta.url)));
const missing = !openMpi
  ? "there is no mpirun of Open MPI (apt-get install openmpi-bin)"
  : built
    ? undefined
    : "the package is not built";
const program = fileURLToPath(new URL("ranks.mjs", import.meta.url));

interface Ran {
  readonly status: number | null;
  readonly stderr: string;
  /** In the order of ranks; of those that came to report. */
  readonly reports: Record<string, unknown>[];
}

function run(world: number, scenario: readonly string[], environment: NodeJS.ProcessEnv = {}): Ran {
  const { status, stdout, stderr } = spawnSync(
    "mpirun",
    ["--allow-run-as-root", "--oversubscribe", "-np", String(world), process.execPath, program, ...scenario],
    { encoding: "utf8", timeout: 50_000, env: { ...process.env, ...environment } },
  );
  const reports = stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { status, stderr, reports: reports.sort((a, b) => Number(a["rank"]) - Number(b["rank"])) };
}

const refused = (library: string): string => run(1, ["operations"], { MODERNBERT_MPI_LIBRARY: library }).stderr;

describe.skipIf(missing)(`ranks over MPI${missing ? ` (${missing})` : ""}`, () => {
  test("reduce, gather and broadcast: the same bits on every rank, in the order of ranks", () => {
    const { status, stderr, reports } = run(3, ["operations"]);
    expect(status, stderr).toBe(0);
    expect(reports).toHaveLength(3);
    const own = reports.map(({ values }) => values as number[]);
    const sum = own.reduce((total, values) => total.map((value, at) => Math.fround(value + values[at]!)));
    for (const [rank, report] of reports.entries()) {
      expect(report).toMatchObject({
        sum,
        apart: sum,
        most: sum.map((_, at) => Math.max(...own.map((values) => values[at]!))),
        whole: [2, 12, 0],
        part: [300 + 3 * 2 * rank, 300 + 3 * (2 * rank + 1)],
        all: own.flatMap((values) => values.slice(0, 3)),
        told: own[2],
        matrix: [10 * rank, 33, 2 + 10 * rank, 3 + 10 * rank, 42, 5 + 10 * rank],
        beside: [sum, [6], sum.map((value, at) => (at % 2 === 0 && at < 6 ? value : own[rank]![at]))],
      });
    }
    // Three times 1.0 in bf16.
    for (const { half } of reports) expect((half as number[])[0]).toBe(0x4040);
  });

  test("sum more than a message holds", () => {
    const { status, stderr, reports } = run(2, ["large"]);
    expect(status, stderr).toBe(0);
    expect(reports.map(({ wrong }) => wrong)).toEqual([0, 0]);
  });

  test("give up together, and keep the reason", () => {
    const { reports } = run(2, ["abort"]);
    const own = "CollectiveError: [barrier] power failure";
    const heard = "CollectiveError: [allReduce] rank 0 gave up: power failure";
    expect(reports).toEqual([
      { rank: 0, read: own, again: own, barrier: "CollectiveError: [abort] power\nfailure" },
      { rank: 1, read: heard, again: heard },
    ]);
  });

  test("refuse to do different things", () => {
    const { status, reports } = run(2, ["different"]);
    expect(status).not.toBe(0);
    expect(reports[0]!["read"]).toContain(
      "expected all ranks to call the same, got allReduce of 4 elements (dtype 0, 0) on rank 0, broadcast of 4 (dtype 0, 0) on rank 1",
    );
  });

  test("notice a rank that is silent", () => {
    const { status, reports } = run(2, ["lost", "1"]);
    expect(status).not.toBe(0);
    // The silent one is woken to be ended, and may come to say something first.
    expect(reports[0]).toEqual({
      rank: 0,
      read: "CollectiveError: [allReduce] rank 1 was lost: nothing was heard from it for 1 s",
    });
  });

  test("refuse a library that is none, and one that is not MPI, by name", () => {
    expect(refused("libnone.so")).toMatch(/expected an MPI library, found none \(libnone\.so: .*\): install Open MPI/);
    expect(refused("libc.so.6")).toContain("expected the function MPI_Init_thread in the MPI library libc.so.6");
  });
});
