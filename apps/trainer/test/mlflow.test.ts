/** MLflow against a fake of its REST API: what it is sent, a run that goes on, and a server that fails, is slow or is not there. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openMlflow } from "../src/tracking/mlflow/mlflow.ts";
import type { Ending, Tracker } from "../src/tracking/tracker.ts";
import { temporaryFolder } from "./support.ts";
import { serve, stepEvent } from "./support/fake-api.ts";
import type { Answer, Call } from "./support/fake-api.ts";

/** As the documentation of the REST API describes it: experiments by name, runs, batches of metrics. */
function documented(): Answer {
  const experiments = new Map<string, string>();
  const [runs, known] = [new Set<string>(), (id: unknown): boolean => runs.has(String(id))];
  const missing = [404, { error_code: "RESOURCE_DOES_NOT_EXIST", message: "no such thing" }] as const;
  return ({ path, body }) => {
    const name = new URL(path, "http://x").searchParams.get("experiment_name");
    switch (path.split("?")[0]!.replace("/api/2.0/mlflow/", "")) {
      case "experiments/get-by-name":
        return experiments.has(name!) ? [200, { experiment: { experiment_id: experiments.get(name!) } }] : missing;
      case "experiments/create":
        experiments.set(String(body["name"]), "7");
        return [200, { experiment_id: "7" }];
      case "runs/create":
        runs.add("run-1");
        return [200, { run: { info: { run_id: "run-1" } } }];
      case "runs/update":
      case "runs/log-batch":
        return known(body["run_id"]) ? [200, {}] : missing;
      default:
        return [404, { error_code: "ENDPOINT_NOT_FOUND" }];
    }
  };
}

function open(
  uri: string,
  output: string,
  more: { environment?: Record<string, string>; pauses?: number[]; endWithin?: number } = {},
): { tracker: Tracker; failures: string[] } {
  const failures: string[] = [];
  const tracker = openMlflow({
    output,
    idFile: join(output, "mlflow-run"),
    parameters: { "optimizer.learning_rate": "0.001", long: "x".repeat(2000) },
    onFailure: ({ message }) => failures.push(message),
    pauses: more.pauses ?? [1, 1],
    endWithin: more.endWithin ?? 120_000,
    environment: { MLFLOW_TRACKING_URI: uri, ...more.environment },
  });
  return { tracker: tracker!, failures };
}

async function send(tracker: Tracker, steps: readonly number[], ending: Ending): Promise<void> {
  for (const step of steps) tracker.record(stepEvent(step));
  await tracker.close(ending);
}

const metricsOf = (calls: readonly Call[]): { key: string; step: number; value: number }[] =>
  calls.flatMap(({ body }) => (body["metrics"] as { key: string; step: number; value: number }[] | undefined) ?? []);

describe("a server as documented", { timeout: 180_000 }, () => {
  test("gets experiment, run, parameters and every finite number once; and goes on with the same run", async () => {
    const { uri, calls } = await serve(documented());
    const output = temporaryFolder();
    const first = open(uri, output, {
      environment: { MLFLOW_TRACKING_TOKEN: "secret", MLFLOW_EXPERIMENT_NAME: "a & b" },
    });
    await send(first.tracker, [1, 2, 3], "goes on");
    expect(readFileSync(join(output, "mlflow-run"), "utf8")).toBe("run-1\n");
    const second = open(uri, output);
    await send(second.tracker, [4], "finished");
    expect([...first.failures, ...second.failures]).toEqual([]);
    const count = (ending: string): number => calls.filter(({ path }) => path.endsWith(ending)).length;
    expect(calls[0]!.path).toBe("/api/2.0/mlflow/experiments/get-by-name?experiment_name=a%20%26%20b");
    expect([count("experiments/create"), count("runs/create")]).toEqual([1, 1]);
    expect(calls[0]!.authorization).toBe("Bearer secret");
    const losses = metricsOf(calls).filter(({ key }) => key === "train/loss");
    expect(losses.map(({ step, value }) => [step, value])).toEqual([1, 2, 3, 4].map((step) => [step, 5]));
    expect(
      metricsOf(calls)
        .filter(({ key }) => key === "train/gradientNorm")
        .map(({ step }) => step),
    ).toEqual([1, 3, 4]);
    expect(
      calls
        .flatMap(({ body }) => (body["params"] as { value: string }[] | undefined) ?? [])
        .map(({ value }) => value.length),
    ).toEqual([5, 500]);
    expect(calls.filter(({ path }) => path.endsWith("runs/update")).map(({ body }) => body["status"])).toEqual([
      "RUNNING",
      "FINISHED",
    ]);
  });

  test("gets at most a thousand numbers a request, and a password apart from the address", async () => {
    const { uri, calls } = await serve(documented());
    const { tracker } = open(uri.replace("http://", "http://me:pass@"), temporaryFolder());
    await send(
      tracker,
      Array.from({ length: 300 }, (_, at) => at + 1),
      "stopped",
    );
    const sizes = calls.flatMap(({ body }) => (body["metrics"] ? [(body["metrics"] as unknown[]).length] : []));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
    expect(metricsOf(calls)).toHaveLength(300 * 8 - 1);
    expect(calls[0]!.authorization).toBe(`Basic ${Buffer.from("me:pass").toString("base64")}`);
    expect(calls.at(-1)!.body["status"]).toBe("KILLED");
  });
});

describe("a server that does not do its part", { timeout: 180_000 }, () => {
  test("is tried again, and what it refused comes then", async () => {
    const good = documented();
    let refusals = 2;
    const { uri, calls } = await serve((call) => (refusals-- > 0 ? [503, { message: "later" }] : good(call)));
    const { tracker, failures } = open(uri, temporaryFolder());
    tracker.record(stepEvent(1));
    await expect.poll(() => metricsOf(calls).length, { timeout: 60_000 }).toBe(8);
    await tracker.close("finished");
    expect(failures).toEqual([]);
  });

  test.each([
    [
      "fails",
      () => [500, { error_code: "INTERNAL_ERROR", message: "broken" }] as const,
      /MLflow answered 500 to experiments\/get-by-name \(INTERNAL_ERROR\): broken/,
    ],
    ["never answers", () => "hang" as const, /did not take the last numbers in time/],
  ])("that %s is given up once, and records go on without waiting", async (how, answer, message) => {
    const { uri } = await serve(answer);
    const output = temporaryFolder();
    const { tracker, failures } = open(uri, output, how === "fails" ? {} : { endWithin: 200 });
    await send(tracker, [1, 2], "finished");
    tracker.record(stepEvent(3));
    expect(failures).toEqual([expect.stringMatching(message)]);
    expect(existsSync(join(output, "mlflow-run"))).toBe(false);
  });

  test("that is not there, and an address that is none", async () => {
    const { tracker, failures } = open("http://127.0.0.1:9", temporaryFolder());
    await send(tracker, [1], "finished");
    expect(failures).toHaveLength(1);
    expect(() => open("file:///tmp/x", temporaryFolder())).toThrow(
      "expected MLFLOW_TRACKING_URI of an http or https server",
    );
    expect(
      openMlflow({ output: "x", idFile: "x", parameters: {}, onFailure: () => undefined, environment: {} }),
    ).toBeUndefined();
  });
});
