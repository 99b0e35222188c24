/** Ranks as processes on the emulated device, which brings an NCCL of its own: each test's part stands in ranks.mjs. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { ncclPlaces } from "../src/find-nccl.ts";

const platform = `${process.platform}-${process.arch}`;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const emulated = here(`../../backend-cuda/build/${platform}/modernbert_cuda_emulated.node`);
const program = fileURLToPath(new URL("ranks.mjs", import.meta.url));
const missing = !existsSync(emulated)
  ? "the emulated CUDA library is not built"
  : [here("../dist/index.js"), here(`../build/${platform}/modernbert_nccl.node`)].every(existsSync)
    ? undefined
    : "the package is not built";

type Report = Record<string, unknown>;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One line of each rank that came to report, in their order. */
async function run(
  world: number,
  scenario: string,
  environment: (rank: number) => NodeJS.ProcessEnv = () => ({}),
  started = world,
): Promise<Report[]> {
  const port = String(await freePort());
  const reports = Array.from({ length: started }, async (_, rank) => {
    const env = {
      ...process.env,
      RANK: String(rank),
      WORLD_SIZE: String(world),
      MASTER_ADDR: "127.0.0.1",
      MASTER_PORT: port,
      MODERNBERT_NCCL_LIBRARY: emulated,
      ...environment(rank),
    };
    const child = spawn(process.execPath, [program, scenario], { env, stdio: ["ignore", "pipe", "pipe"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), 55_000);
    let [out, errors] = ["", ""];
    child.stdout.on("data", (data: Buffer) => (out += data.toString()));
    child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      child.on("close", (...ended) => resolve(ended)),
    );
    clearTimeout(timer);
    const line = out.split("\n").find((each) => each.startsWith("{"));
    return line === undefined
      ? []
      : [{ ...(JSON.parse(line) as Report), ...(code === 0 ? {} : { code, signal, errors }) }];
  });
  return (await Promise.all(reports)).flat();
}

async function refused(environment: NodeJS.ProcessEnv): Promise<unknown> {
  return (await run(2, "refused", () => environment, 1))[0]!["refused"];
}

describe.skipIf(missing)(`ranks over NCCL${missing ? ` (${missing})` : ""}`, () => {
  test("reduce, gather and broadcast: the same bits on every rank", async () => {
    const reports = await run(3, "operations");
    expect(reports).toHaveLength(3);
    const own = reports.map(({ values }) => values as number[]);
    const sum = own.reduce((total, values) => total.map((value, at) => Math.fround(value + values[at]!)));
    for (const [rank, report] of reports.entries())
      expect(report).toEqual({
        rank,
        values: own[rank],
        sum,
        other: sum,
        most: sum.map((_, at) => Math.max(...own.map((values) => values[at]!))),
        large: [6],
        whole: [2, 12, 0],
        part: [300 + 3 * 2 * rank, 300 + 3 * (2 * rank + 1)],
        all: own.flatMap((values) => values.slice(0, 3)),
        told: own[2],
        matrix: [10 * rank, 33, 2 + 10 * rank, 3 + 10 * rank, 42, 5 + 10 * rank],
        // 1 + 1.0078 is 2, rounded; in f32 the sum would end in 2.
        half: [0x4040, 0x4041],
        beside: [sum, [6], sum.map((value, at) => (at % 2 === 0 && at < 6 ? value : own[rank]![at]))],
      });
  });

  test("are captured, and replayed as a graph", async () => {
    expect(await run(2, "captured")).toEqual([0, 1].map((rank) => ({ rank, seen: [6, 24, 96] })));
  });

  test("give up together, and keep the reason", async () => {
    const [own, heard] = ["power failure", "rank 0 gave up: power failure"].map(
      (text) => `CollectiveError: [allReduce] ${text}`,
    );
    const reports = await run(2, "abort");
    expect(reports.map(({ read, again }) => [read, again])).toEqual([
      [own, own],
      [heard, heard],
    ]);
  });

  test("end with a rank that is killed", async () => {
    const [first, ...others] = await run(2, "lost");
    expect(others).toEqual([]);
    expect(first!["read"]).toBe("CollectiveError: [allReduce] rank 1 was lost: its connection ended");
  });

  test("end with one whose NCCL has an error behind the calls", async () => {
    const reports = await run(2, "broken", (rank) =>
      rank === 1 ? { MODERNBERT_CUDA_EMULATED_FAULT: "nccl fails at operation 2" } : {},
    );
    const error = "NCCL: an emulated error of NCCL";
    expect(reports[0]!["read"]).toContain(`rank 1 gave up: ${error}`);
    expect(reports[1]!["read"]).toContain(error);
  });

  test("are refused by name: no library, no address, not all there", async () => {
    expect(await refused({ MODERNBERT_NCCL_LIBRARY: "libnone.so" })).toMatch(
      /^CollectiveError: \[joinNccl\] expected an NCCL library, found none \(libnone\.so: .*\): install it/,
    );
    expect(await refused({ MODERNBERT_NCCL_LIBRARY: "libc.so.6" })).toContain(
      "expected the function ncclGetVersion in the NCCL library libc.so.6",
    );
    expect(await refused({ MASTER_PORT: "http" })).toContain(
      "expected the machine of rank 0 in MASTER_ADDR and a free port of it in MASTER_PORT, got 127.0.0.1 and http",
    );
    expect(await refused({})).toBe(
      "CollectiveError: [joinNccl] expected 2 processes, got 1 within 2 s: start all of them",
    );
  });
});

test("NCCL is looked for where pip puts it", () => {
  expect(ncclPlaces({ MODERNBERT_NCCL_LIBRARY: "/x/libnccl.so" })).toEqual(["/x/libnccl.so"]);
  const places = ncclPlaces({}, "/nowhere");
  expect(places[0]).toBe("libnccl.so.2");
  for (const place of places.slice(1)) expect(place).toMatch(/^\/usr\/.*\/nvidia\/nccl\/lib\/libnccl\.so\.2$/);
});
