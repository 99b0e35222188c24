/** Jobs of a queue by real workers and a real Redis: the built program as a person starts it, killed at any point. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, follow, makeJob, submit } from "@modernbert-ts/bulk";
import type { BulkResult, Connection, JobRequest } from "@modernbert-ts/bulk";
import { embed, openPipeline } from "@modernbert-ts/pipelines";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { temporaryFolder } from "./temporary-folder.ts";
import { hiddenSize, makeTinyModel } from "./tiny-model.ts";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const cli = fileURLToPath(new URL("../../cli/dist/main.js", import.meta.url));
const killAtRename = new URL("kill-at-rename.mjs", import.meta.url).href;
const missing =
  spawnSync("redis-server", ["--version"]).status !== 0
    ? "there is no redis-server (apt-get install redis-server)"
    : existsSync(main) && existsSync(cli)
      ? undefined
      : "the programs are not built";

interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<NodeJS.Signals | number | null>;
}

const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});

function start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
  const ended = new Promise<NodeJS.Signals | number | null>((resolve) =>
    child.on("close", (code, signal) => resolve(signal ?? code)),
  );
  return { child, output: () => output, ended };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const texts = Array.from({ length: 120 }, (_, at) => `text ${at}${" and some more words".repeat(at % 5)}`);

interface Row {
  readonly id: string;
  readonly embedding: number[];
}

const readRows = (path: string): Row[] =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);

describe.skipIf(missing)(`jobs of a queue${missing ? ` (${missing})` : ""}`, { timeout: 600_000 }, () => {
  let [folder, model, input, url, port] = ["", "", "", "", 0];
  let redis: Program;
  let connection: Connection;
  let wanted: readonly Float32Array[];
  /** That lives from test to test. */
  let steady: Program;

  const startRedis = (): Program => start("redis-server", ["--port", String(port), "--dir", folder, "--save", ""]);
  const startWorker = (killAt?: string): Program => {
    const env = killAt === undefined ? {} : { NODE_OPTIONS: `--import=${killAtRename}`, KILL_AT: killAt };
    const flags = ["--backend", "cpu", "--threads", "1", "--lock-seconds", "1"];
    return start(process.execPath, [main, "worker", "--queue", url, ...flags], env);
  };
  const submitFile = async (changes: Partial<JobRequest> = {}): Promise<{ id: string; done: Promise<BulkResult> }> => {
    const request = { task: "embed", options: {}, model, dtype: "f32", inputs: [input], field: "text" } as const;
    const rest = { invalid: "refuse", truncate: false, shardTokens: 150 } as const;
    const job = await makeJob({ ...request, ...rest, output: join(folder, "out.jsonl"), ...changes });
    const { id } = await submit(connection, job);
    const done = follow(connection, id);
    done.catch(() => undefined);
    return { id, done };
  };
  /** Each text once, in order, with the vector that the library gives it. */
  const expectWhole = (output: string): void => {
    const rows = readRows(output);
    expect(rows.map(({ id }) => id)).toEqual(texts.map((_, at) => `${input}:${at + 1}`));
    const worst = rows.map(({ embedding }, row) =>
      Math.max(...embedding.map((value, at) => Math.abs(value - wanted[row]![at]!))),
    );
    expect(Math.max(...worst)).toBeLessThan(1e-5);
    expect(readdirSync(folder).filter((name) => /parts|partial/.test(name))).toEqual([]);
  };

  beforeAll(async () => {
    [folder, model, port] = [await temporaryFolder(), await makeTinyModel(), await freePort()];
    [input, url] = [join(folder, "in.jsonl"), `redis://127.0.0.1:${port}`];
    writeFileSync(input, texts.map((text) => `${JSON.stringify({ text })}\n`).join(""));
    redis = startRedis();
    await vi.waitFor(() => expect(redis.output()).toContain("Ready to accept connections"), 300_000);
    connection = await connect(url, () => undefined);
    await using pipeline = await openPipeline(model, { head: "none", backend: "cpu", threads: 1 });
    wanted = await embed(pipeline, texts);
  }, 600_000);

  afterAll(async () => {
    await connection[Symbol.asyncDispose]();
  }, 30_000);

  test("survive workers that die while they read, compute and join: nothing is lost, nothing is done twice", async () => {
    const { done } = await submitFile();
    for (const killAt of [String.raw`000003-\w+\.texts`, String.raw`000002-\w+\.jsonl$`, String.raw`out\.jsonl$`]) {
      const dying = startWorker(killAt);
      expect(await dying.ended, dying.output()).toBe("SIGKILL");
    }
    // What the second wrote stands as it was when the last joins it.
    steady = startWorker();
    const { records, skipped } = await done;
    expect([records, skipped]).toEqual([texts.length, 0]);
    expectWhole(join(folder, "out.jsonl"));
    expect(steady.output()).not.toMatch(/0000\d\d-\w+: done/);
  });

  test("are shared by two workers, of which one is killed; the same again is done already", async () => {
    const output = join(folder, "shared.jsonl");
    const other = startWorker();
    await expect.poll(other.output, { timeout: 300_000 }).toContain("waiting for jobs");
    const { id, done } = await submitFile({ output, shardTokens: 40 });
    await expect.poll(other.output, { timeout: 300_000, interval: 5 }).toMatch(/-\w+: done/);
    other.child.kill("SIGKILL");
    await done;
    expectWhole(output);
    expect(steady.output()).toMatch(/-\w+: done/);
    const before = readFileSync(output, "utf8");
    const again = await submitFile({ output, shardTokens: 40 });
    expect([again.id, (await again.done).records]).toEqual([id, texts.length]);
    expect(readFileSync(output, "utf8")).toBe(before);
    await expect(submitFile({ output, shardTokens: 41 })).rejects.toThrow("expected an output that is not there yet");

    // Redis goes away and comes back: whoever waits for jobs says so, and goes on.
    redis.child.kill("SIGKILL");
    await expect.poll(steady.output, { timeout: 300_000 }).toContain(`Redis at 127.0.0.1:${port} is gone`);
    redis = startRedis();
    await expect.poll(steady.output, { timeout: 300_000 }).toContain(`Redis at 127.0.0.1:${port} is back`);
    const later = join(folder, "later.jsonl");
    await (
      await submitFile({ output: later })
    ).done;
    expectWhole(later);
  });

  test("come from the command line, name what cannot be used, and end as Parquet", async () => {
    const [mixed, table, plain] = ["mixed.jsonl", "table.csv", "plain.txt"].map((name) => join(folder, name));
    const long = JSON.stringify({ text: "word ".repeat(300) });
    writeFileSync(
      mixed!,
      `{"text":"${texts[1]}"}\n{"text":""}\n{"other":1}\n{"text":\n${long}\n{"text":"${texts[2]}"}\n`,
    );
    writeFileSync(table!, `text,label\n"${texts[3]}",1\n`);
    writeFileSync(plain!, `${texts[4]}\n${texts[0]}\n`);
    const output = join(folder, "vectors.parquet");
    const submitted = (...more: string[]): Program =>
      start(process.execPath, [cli, "embed", "--queue", url, "--model", model, "--output", output, ...more]);
    const refused = submitted("--input", mixed!);
    expect(await refused.ended).toBe(1);
    expect(refused.output()).toContain(`error: [bulk] ${mixed}:2: expected text, got nothing in it`);
    expect(readdirSync(folder).filter((name) => name.startsWith("vectors"))).toEqual([]);
    const taken = submitted("--input", mixed!, table!, plain!, "--invalid", "skip");
    expect(await taken.ended, taken.output()).toBe(0);
    expect(taken.output()).toContain("5 vectors");
    const rows = (await parquetReadObjects({ file: await asyncBufferFromFile(output) })) as unknown as Row[];
    expect(rows.map(({ id }) => id)).toEqual([`${mixed}:1`, `${mixed}:6`, `${table}:2`, `${plain}:1`, `${plain}:2`]);
    expect(rows.every(({ embedding }) => embedding.length === hiddenSize)).toBe(true);
    for (const [row, at] of [1, 2, 3, 4, 0].entries())
      expect(Math.abs(rows[row]!.embedding[5]! - wanted[at]![5]!)).toBeLessThan(1e-5);
    const skipped = readRows(`${output}.skipped.jsonl`).map(({ id }) => id);
    expect(skipped).toEqual([2, 3, 4, 5].map((line) => `${mixed}:${line}`));
    steady.child.kill("SIGTERM");
    expect(await steady.ended).toBe(0);
  });

  test("and a queue without Redis is refused in one line", async () => {
    const worker = start(process.execPath, [main, "worker", "--queue", "redis://127.0.0.1:1"]);
    expect(await worker.ended).toBe(1);
    expect(worker.output()).toMatch(
      /^\[bulk\] expected Redis at 127\.0\.0\.1:1, got none \(.*ECONNREFUSED.*\): start it, or name another\n$/,
    );
    await expect(connect("localhost:6379", () => undefined)).rejects.toThrow("expected an address such as redis://");
  });
});
