/** `mpirun -np 2 modernbert-train run`: the built program, as a person would start it. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { start } from "./command-line.ts";
import { corpusFolder, tinyFields } from "./support.ts";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const found = spawnSync("mpirun", ["--version"], { encoding: "utf8" });
const openMpi = found.status === 0 && found.stdout.includes("Open MPI");
const missing = !openMpi
  ? "there is no mpirun of Open MPI (apt-get install openmpi-bin)"
  : existsSync(main)
    ? undefined
    : "the program is not built";

interface Trained {
  readonly code: number | null;
  readonly stderr: string;
  /** From the kill to the end of all ranks. */
  readonly seconds: number | undefined;
}

/** @param signal for rank 1, when the second checkpoint was saved. */
async function train(
  config: string,
  world: number,
  more: readonly string[] = [],
  signal?: NodeJS.Signals,
): Promise<Trained> {
  const began = ["--allow-run-as-root", "--oversubscribe", "-np", String(world), process.execPath, main, "run", config];
  const child = spawn("mpirun", [...began, ...more], { stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  let ranks: number[] = [];
  let killed = 0;
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
    if (signal === undefined || killed > 0 || stderr.split("saved").length <= 2) return;
    ranks = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ").map(Number);
    process.kill(ranks[1]!, signal);
    killed = performance.now();
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  while (ranks.some((pid) => existsSync(`/proc/${pid}`))) await new Promise((resolve) => setTimeout(resolve, 20));
  return { code, stderr, seconds: killed > 0 ? (performance.now() - killed) / 1000 : undefined };
}

/** Of the last checkpoint. */
const finalFile = (run: string, name: string): Buffer => {
  const last = readdirSync(join(run, "checkpoints")).sort().at(-1)!;
  return readFileSync(join(run, "checkpoints", last, name));
};

const fileIn =
  (folder: string) =>
  (name: string): string => {
    const path = join(folder, `${name}.yaml`);
    writeFileSync(path, stringify({ ...tinyFields(folder), output: join(folder, name), length: "3000 tokens" }));
    return path;
  };

describe.skipIf(missing)(`ranks of mpirun${missing ? ` (${missing})` : ""}`, { timeout: 180_000 }, () => {
  test("learn what one process learns, end with a rank that is killed, and go on from there", async () => {
    const folder = await corpusFolder();
    const file = fileIn(folder);
    // Two micro-batches on one process, or one on each of two: the same sums of the same gradients, in the same order.
    const [one, two] = await Promise.all([start(["run", file("one")]).finished, train(file("two"), 2)]);
    expect(one.code, one.stderr).toBe(0);
    expect(two.code, two.stderr).toBe(0);
    for (const name of ["model.safetensors", "optimizer.safetensors"])
      expect(finalFile(join(folder, "two"), name).equals(finalFile(join(folder, "one"), name)), name).toBe(true);
    expect(two.stderr.match(/training for/g)).toHaveLength(1);
    expect(two.stderr.match(/^finished after/gm)).toHaveLength(1);
    expect(existsSync(join(folder, "two", "report.html"))).toBe(true);

    const killed = await train(file("killed"), 2, [], "SIGKILL");
    expect(killed.code, killed.stderr).not.toBe(0);
    expect(killed.seconds, killed.stderr).toBeLessThan(30);
    expect(killed.stderr).not.toContain("finished after");
    // With the optimizer's state in two parts: the same numbers.
    const resumed = await train(file("killed"), 2, ["--resume", "auto", "--set", "optimizer.zero_stage=1"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stderr).toContain("going on at");
    expect(finalFile(join(folder, "killed"), "model.safetensors")).toEqual(
      finalFile(join(folder, "two"), "model.safetensors"),
    );
    expect(finalFile(join(folder, "killed"), "optimizer.safetensors")).toHaveLength(
      finalFile(join(folder, "two"), "optimizer.safetensors").length,
    );
  });

  test("stop together when one is told to, and one process goes on in the same order", async () => {
    const folder = await corpusFolder();
    const file = fileIn(folder);
    const stopped = await train(file("stopped"), 2, ["--set", "optimizer.zero_stage=1"], "SIGTERM");
    expect(stopped.code, stopped.stderr).toBe(130);
    expect(stopped.stderr.match(/^stopped after step/gm)).toHaveLength(1);
    const alone = await start(["run", file("stopped"), "--resume", "auto"]).finished;
    expect(alone.code, alone.stderr).toBe(0);
    const whole = await start(["run", file("whole")]).finished;
    expect(whole.code, whole.stderr).toBe(0);
    const [changed, same] = ["stopped", "whole"].map((name) => finalFile(join(folder, name), "model.safetensors"));
    expect(changed!.equals(same!)).toBe(true);
  });

  test("are refused with one line each", async () => {
    const folder = await corpusFolder();
    const few = await train(fileIn(folder)("few"), 2, ["--set", "batch.micro_batches=1"]);
    expect(few.code).not.toBe(0);
    // The order between processes is nobody's.
    expect(few.stderr.match(/^modernbert-train: .*/gm)?.sort()).toEqual(
      [0, 1].map(
        (rank) =>
          `modernbert-train: rank ${rank}: expected batch.micro_batches of at least the number of processes (2), which share them, got 1: raise it`,
      ),
    );
  });
});
