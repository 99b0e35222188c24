/**
 * What training in several processes costs: two processes of one core each over MPI (together) beside one of them alone, and beside two at once that
 * know nothing of each other (apart: what the machine itself takes from two), in alternation. And the same two where gradients are summed in buckets
 * beside the backward pass (beside).
 */
import { spawnSync } from "node:child_process";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { machine, median, show, table } from "./report.mjs";

const worker = fileURLToPath(new URL("ranks-worker.mjs", import.meta.url));
const world = 2;
const goal = 0.9;
const ways = ["alone", "apart", "together", "beside"];
const bucketMegabytes = "4";

/** @param {{ shape?: string, cases?: string[], rounds?: number }} options cases: tokens a rank and step. */
export async function run({ shape = "7x256x4x384", cases = ["4096", "8192"], rounds = 5 } = {}) {
  if (spawnSync("mpirun", ["--version"]).status !== 0)
    return { skipped: true, text: "skipped: there is no mpirun of Open MPI (apt-get install openmpi-bin)" };
  const rows = cases.map((tokens) => {
    const times = Object.fromEntries(ways.map((way) => [way, { wall: [], processor: [] }]));
    const add = (name, more) => {
      for (const clock of ["wall", "processor"]) times[name][clock].push(...more[clock]);
    };
    for (let round = 0; round < rounds; round++) {
      add("alone", steps(["taskset", "-c", String(round % world)], shape, tokens));
      const both = 'taskset -c 1 "$@" > /dev/null & taskset -c 0 "$@"; wait';
      add("apart", steps(["sh", "-c", both, "sh"], shape, tokens));
      const bound = ["sh", "-c", 'exec taskset -c "$OMPI_COMM_WORLD_LOCAL_RANK" "$@"', "sh"];
      const launcher = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np", String(world)];
      add("together", steps([...launcher, ...bound], shape, tokens));
      add("beside", steps([...launcher, ...bound], shape, tokens, bucketMegabytes));
    }
    return { tokens: Number(tokens), milliseconds: times };
  });
  const cells = rows.flatMap(({ tokens, milliseconds }) =>
    ["wall", "processor"].map((clock) => {
      const [alone, apart, together, beside] = ways.map((way) => milliseconds[way][clock]);
      const ranges = [alone, apart, together, beside].map(
        (times) => `${show(median(times))} (${show(Math.min(...times))}–${show(Math.max(...times))})`,
      );
      const [toAlone, toApart, gain] = [alone, apart, beside].map((times) => show(median(times) / median(together), 2));
      return [String(tokens), clock, ...ranges, toAlone, toApart, gain, show(goal, 2)];
    }),
  );
  const text = [
    `${machine()}; load ${show(loadavg()[0], 1)} at the end; ${shape}, f32; ${world} processes of one core each beside one alone, medians of ${rounds} rounds of 3 steps. What other programs do to the clock on the wall is not in the processor's time of a rank, nor are its waits of more than 5 ms.`,
    "",
    table(
      [
        "tokens a rank",
        "clock",
        ...ways.map((way) => `${way} ms`),
        "alone / together",
        "apart / together",
        "beside / together",
        "goal",
      ],
      cells,
    ),
  ];
  return { machine: machine(), rounds, rows, text: text.join("\n") };
}

function steps([command, ...before], shape, tokens, ...more) {
  const { status, stdout, stderr } = spawnSync(
    command,
    [...before, process.execPath, worker, shape, tokens, "3", ...more],
    {
      encoding: "utf8",
    },
  );
  if (status !== 0) throw new Error(`[bench] expected ${command} to end well, got ${status}: ${stderr}`);
  return JSON.parse(stdout.split("\n").find((line) => line.startsWith("{")));
}
