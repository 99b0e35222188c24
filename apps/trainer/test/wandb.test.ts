/** W&B against a fake of the API that its client speaks: what it is sent, a run that goes on, and a server that fails, is slow or is not there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openWandb } from "../src/tracking/wandb/wandb.ts";
import type { WandbOptions } from "../src/tracking/wandb/wandb.ts";
import type { Ending, Tracker } from "../src/tracking/tracker.ts";
import { temporaryFolder } from "./support.ts";
import { serve, stepEvent } from "./support/fake-api.ts";
import type { Answer } from "./support/fake-api.ts";

type Line = Record<string, number>;

/** Keeps history by line number, as W&B does; `rewinds` says whether it can forget. */
function wandb({ rewinds = true } = {}): { answer: Answer; history: Line[]; runs: Set<string>; ended: unknown[] } {
  const [history, runs, ended]: [Line[], Set<string>, unknown[]] = [[], new Set(), []];
  const bucket = (name: unknown): object => ({
    name,
    project: { name: "p", entity: { name: "me & co" } },
    historyLineCount: history.length,
  });
  const answer: Answer = ({ path, body }) => {
    const { query = "", variables = {} } = body as { query?: string; variables?: Record<string, unknown> };
    if (query.includes("upsertBucket")) {
      runs.add(String(variables["name"]));
      return [200, { data: { upsertBucket: { bucket: bucket(variables["name"]), inserted: true } } }];
    }
    if (query.includes("historyTail")) {
      const historyTail = JSON.stringify(history.slice(-1).map((line) => JSON.stringify(line)));
      return [200, { data: { model: { bucket: { historyTail } } } }];
    }
    if (query.includes("rewindRun")) {
      if (!rewinds) return [200, { errors: [{ message: "no such mutation" }] }];
      history.length = history.findLastIndex(({ _step }) => _step! <= Number(variables["metricValue"])) + 1;
      return [200, { data: { rewindRun: { rewoundRun: { historyLineCount: history.length } } } }];
    }
    if (!runs.has(path.split("/").at(-2)!) || !path.startsWith("/files/me%20%26%20co/p/")) return [404, {}];
    const { files, complete, exitcode } = body as {
      files?: Record<string, { offset: number; content: string[] }>;
      complete?: boolean;
      exitcode?: number;
    };
    const lines = files?.["wandb-history.jsonl"];
    for (const [at, line] of (lines?.content ?? []).entries()) history[lines!.offset + at] = JSON.parse(line) as Line;
    if (complete) ended.push(exitcode);
    return [200, {}];
  };
  return { answer, history, runs, ended };
}

function open(
  uri: string,
  output: string,
  more: Partial<WandbOptions> = {},
): { tracker: Tracker | undefined; failures: string[]; notices: string[] } {
  const [failures, notices]: string[][] = [[], []];
  const tracker = openWandb({
    output,
    idFile: join(output, "wandb-run"),
    step: 0,
    config: { optimizer: { learning_rate: 0.001 } },
    onFailure: ({ message }) => failures!.push(message),
    onNotice: (notice) => notices!.push(notice),
    pauses: [1, 1],
    interval: 1,
    endWithin: 120_000,
    ...more,
    environment: { WANDB_BASE_URL: `${uri}/`, WANDB_API_KEY: "secret", ...more.environment },
  });
  return { tracker, failures: failures!, notices: notices! };
}

async function send(tracker: Tracker | undefined, steps: readonly number[], ending: Ending, loss = 5): Promise<void> {
  for (const step of steps) {
    tracker!.record(stepEvent(step, loss));
    if (step === 2)
      tracker!.record({ kind: "evaluation", step, tokens: 20, seconds: 2, loss: 4, metrics: {}, weight: 1 });
  }
  await tracker!.close(ending);
}

const steps = (history: readonly Line[]): unknown[] => history.map(({ _step, "train/loss": loss }) => [_step, loss]);

describe("a server as W&B's", { timeout: 180_000 }, () => {
  test("gets the run, its configuration and each step once; and a run that goes on is the same from its checkpoint on", async () => {
    const { answer, history, runs, ended } = wandb();
    const { uri, calls } = await serve(answer);
    const output = temporaryFolder();
    const first = open(uri, output, { project: "mine", environment: { WANDB_ENTITY: "team", WANDB_PROJECT: "other" } });
    await send(first.tracker, [1, 2, 3, 4], "goes on");
    const id = [...runs][0]!;
    expect(readFileSync(join(output, "wandb-run"), "utf8")).toBe(`me & co/p/${id}\n`);
    // From a checkpoint at step 2, with another loss.
    const second = open(uri, output, { step: 2 });
    await send(second.tracker, [3, 4, 5], "finished", 6);
    expect([...first.failures, ...second.failures, ...first.notices, ...second.notices]).toEqual([]);
    expect([[...runs], ended]).toEqual([[id], [0]]);
    expect(steps(history)).toEqual([
      [1, 5],
      [2, 5],
      [3, 6],
      [4, 6],
      [5, 6],
    ]);
    expect(history[1]).toMatchObject({
      "held_out/loss": 4,
      _timestamp: expect.closeTo(Date.now() / 1000, -3) as number,
    });
    expect(Object.keys(history[1]!)).not.toContain("train/gradientNorm");
    const { variables } = calls[0]!.body as { variables: Record<string, string> };
    expect(variables).toMatchObject({ project: "mine", entity: "team", displayName: output.split("/").at(-1) });
    expect(JSON.parse(variables["config"]!)).toEqual({ optimizer: { value: { learning_rate: 0.001 } } });
    expect(calls[0]!.authorization).toBe(`Basic ${Buffer.from("api:secret").toString("base64")}`);
    const summary = calls.findLast(({ body }) => body["files"])!.body["files"] as Record<string, { content: string[] }>;
    expect(JSON.parse(summary["wandb-summary.json"]!.content[0]!)).toMatchObject({ _step: 5, "train/loss": 6 });
  });

  test("that cannot rewind keeps what it has, says so, and gets what comes after", async () => {
    const { answer, history, ended } = wandb({ rewinds: false });
    const { uri } = await serve(answer);
    const output = temporaryFolder();
    await send(open(uri, output).tracker, [1, 2, 3], "stopped");
    const second = open(uri, output, { step: 1 });
    await send(second.tracker, [2, 3, 4], "stopped", 6);
    expect(second.notices).toEqual([
      "W&B keeps the numbers it has of steps 2 to 3, and gets those after: it cannot rewind the run (W&B refused graphql: no such mutation)",
    ]);
    expect(steps(history)).toEqual([
      [1, 5],
      [2, 5],
      [3, 5],
      [4, 6],
    ]);
    expect(ended).toEqual([255, 255]);
  });
});

describe("a server that does not do its part", { timeout: 180_000 }, () => {
  test("is tried again, and what it took without saying so stands there once", async () => {
    const { answer, history } = wandb();
    let refusals = 2;
    const { uri } = await serve((call) => {
      const given = answer(call);
      return call.path.endsWith("file_stream") && refusals-- > 0 ? [429, {}] : given;
    });
    const { tracker, failures } = open(uri, temporaryFolder());
    for (const step of [1, 2]) tracker!.record(stepEvent(step));
    await expect.poll(() => [refusals, history.length], { timeout: 60_000 }).toEqual([-1, 1]);
    await tracker!.close("finished");
    expect(failures).toEqual([]);
    expect(steps(history)).toEqual([
      [1, 5],
      [2, 5],
    ]);
  });

  test.each<[string, Answer, RegExp, number]>([
    ["refuses the key", () => [401, {}], /^W&B answered 401 to graphql: is WANDB_API_KEY right\?$/, 120_000],
    ["has too many requests", () => [429, {}], /^W&B answered 429 to graphql$/, 120_000],
    ["never answers", () => "hang", /did not take the last numbers in time/, 200],
  ])("that %s is given up once, and records go on without waiting", async (_, answer, message, endWithin) => {
    const { uri } = await serve(answer);
    const { tracker, failures } = open(uri, temporaryFolder(), { endWithin });
    await send(tracker, [1, 2], "finished");
    tracker!.record(stepEvent(3));
    tracker!.record(stepEvent(4));
    expect(failures).toEqual([expect.stringMatching(message)]);
  });

  test("that is not there", async () => {
    const { tracker, failures } = open("http://127.0.0.1:9", temporaryFolder());
    await send(tracker, [1], "finished");
    expect(failures).toHaveLength(1);
  });
});

const opened = (environment: Record<string, string>, project?: string): Tracker | undefined =>
  openWandb({
    output: "x",
    idFile: "x",
    step: 0,
    config: {},
    environment,
    project,
    onFailure: () => undefined,
    onNotice: () => undefined,
  });

describe("the environment", () => {
  test.each<[Record<string, string>]>([
    [{}],
    [{ WANDB_API_KEY: "k", WANDB_MODE: "offline" }],
    [{ WANDB_API_KEY: "k", WANDB_MODE: "disabled" }],
  ])("%j sends nothing", (environment) => {
    expect(opened(environment)).toBeUndefined();
  });

  test.each<[Record<string, string>, string | undefined, string]>([
    [{}, "mine", "expected WANDB_API_KEY, got none: set it, or WANDB_MODE=disabled"],
    [{ WANDB_API_KEY: "k", WANDB_MODE: "on" }, undefined, "expected WANDB_MODE of online, offline or disabled, got on"],
    [
      { WANDB_API_KEY: "k", WANDB_BASE_URL: "ftp://x" },
      undefined,
      "expected WANDB_BASE_URL of an http or https server",
    ],
  ])("%j is refused", (environment, project, message) => {
    expect(() => opened(environment, project)).toThrow(message);
  });
});
