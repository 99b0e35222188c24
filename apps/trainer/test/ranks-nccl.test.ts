/** Two processes on the emulated CUDA device, which train over NCCL: the built program, started with torchrun's variables and by mpirun. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { corpusFolder, tinyFields } from "./support.ts";

const platform = `${process.platform}-${process.arch}`;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const main = here("../dist/main.js");
const emulated = here(`../../../packages/backend-cuda/build/${platform}/modernbert_cuda_emulated.node`);
const addon = here(`../../../packages/collective-nccl/build/${platform}/modernbert_nccl.node`);
const missing = [main, emulated, addon].find((file) => !existsSync(file));

const found = spawnSync("mpirun", ["--version"], { encoding: "utf8" });
const openMpi = found.status === 0 && found.stdout.includes("Open MPI");
const noMpi = openMpi ? "" : " (there is no mpirun of Open MPI (apt-get install openmpi-bin))";

interface Trained {
  readonly code: number | null;
  readonly stderr: string;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const emulation: NodeJS.ProcessEnv = {
  ...process.env,
  MODERNBERT_CUDA_EMULATE: "1",
  MODERNBERT_NCCL_LIBRARY: emulated,
  CUDA_VISIBLE_DEVICES: "0",
};
const wordsOf = (config: string): string[] => [main, "run", config, "--backend", "cuda"];

async function train(config: string, world: number, more: readonly string[] = []): Promise<Trained[]> {
  const port = String(await freePort());
  const ranks = Array.from({ length: world }, async (_, rank) => {
    const env = {
      ...emulation,
      MASTER_ADDR: "127.0.0.1",
      MASTER_PORT: port,
      ...(world > 1 ? { RANK: String(rank), WORLD_SIZE: String(world), LOCAL_RANK: String(rank) } : {}),
    };
    return ended(process.execPath, [...wordsOf(config), ...more], env);
  });
  return Promise.all(ranks);
}

/** Where rank 0 is, is said by MPI alone. */
function trainByMpi(config: string, world: number): Promise<Trained> {
  const { MASTER_ADDR: _, MASTER_PORT: __, MODERNBERT_RENDEZVOUS: ___, ...env } = emulation;
  const launcher = ["--allow-run-as-root", "--oversubscribe", "-np", String(world), process.execPath];
  return ended("mpirun", [...launcher, ...wordsOf(config)], env);
}

async function ended(program: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<Trained> {
  const child = spawn(program, words, { env, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stderr };
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
    const { evaluation: _, ...fields } = tinyFields(folder);
    writeFileSync(path, stringify({ ...fields, output: join(folder, name), length: "300 tokens" }));
    return path;
  };

describe.skipIf(missing)(`ranks over NCCL${missing ? ` (${missing} is not built)` : ""}`, { timeout: 180_000 }, () => {
  test("learn what one process learns, with the optimizer's state in parts", async () => {
    const folder = await corpusFolder();
    const file = fileIn(folder);
    const [one] = await train(file("one"), 1);
    const two = await train(file("two"), 2, ["--set", "optimizer.zero_stage=1"]);
    for (const { code, stderr } of [one!, ...two]) expect(code, stderr).toBe(0);
    expect(two[0]!.stderr).toContain("emulated on the CPU");
    expect(two[1]!.stderr).not.toContain("finished after");
    expect(finalFile(join(folder, "two"), "model.safetensors")).toEqual(
      finalFile(join(folder, "one"), "model.safetensors"),
    );
  });

  test.skipIf(!openMpi)(`meet by MPI, and learn the same${noMpi}`, async () => {
    const folder = await corpusFolder();
    const file = fileIn(folder);
    const [one] = await train(file("one"), 1);
    const two = await trainByMpi(file("two"), 2);
    for (const { code, stderr } of [one!, two]) expect(code, stderr).toBe(0);
    expect(two.stderr.match(/^finished after/gm)).toHaveLength(1);
    expect(finalFile(join(folder, "two"), "model.safetensors")).toEqual(
      finalFile(join(folder, "one"), "model.safetensors"),
    );
  });

  test("end with one line each where one of them cannot go on", async () => {
    const folder = await corpusFolder();
    const path = join(folder, "few.yaml");
    writeFileSync(path, stringify(tinyFields(folder)));
    const few = await train(path, 2, ["--set", "batch.micro_batches=1"]);
    for (const [rank, { code, stderr }] of few.entries()) {
      expect(code).not.toBe(0);
      expect(stderr.trim()).toBe(
        `modernbert-train: rank ${rank}: expected batch.micro_batches of at least the number of processes (2), which share them, got 1: raise it`,
      );
    }
  });
});
