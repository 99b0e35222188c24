/**
 * A run on an MLflow server, where MLFLOW_TRACKING_URI names one. The id of its run stands in the output folder: a run that goes on goes on
 * there too. What was sent after the checkpoint that it goes on from is sent again; MLflow shows the last value of a step.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { writeTextFile } from "../../write-file.ts";
import { scalarsOf } from "../scalars.ts";
import { SendQueue } from "../send-queue.ts";
import type { Tracker } from "../tracker.ts";
import { MlflowApi } from "./api.ts";
import type { MlflowAddress, MlflowMetric } from "./api.ts";

export interface MlflowOptions {
  /** Output folder of the run, which names it. */
  readonly output: string;
  /** Where the id of the run is kept. */
  readonly idFile: string;
  /** Fields of the configuration by their dotted names. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly onFailure: (error: Error) => void;
  readonly environment?: NodeJS.ProcessEnv;
  /** As of `SendQueue`. */
  readonly pauses?: readonly number[];
  /** Milliseconds for the last numbers (default 30 s). */
  readonly endWithin?: number;
}

/** The most that MLflow takes at once, and of a parameter's text. */
const [metricsAtOnce, parametersAtOnce, longestValue] = [1000, 100, 500];

/** undefined where no server is named. Nothing is sent yet: the first numbers wait for the run to be made. */
export function openMlflow(options: MlflowOptions): Tracker | undefined {
  const { environment = process.env, onFailure, pauses, endWithin = 30_000 } = options;
  const address = addressIn(environment);
  if (!address) return undefined;
  const api = new MlflowApi(address);
  let run: string | undefined;
  let failed = false;
  const queue = new SendQueue<MlflowMetric>({
    batch: metricsAtOnce,
    onFailure(error) {
      failed = true;
      onFailure(error);
    },
    ...(pauses ? { pauses } : {}),
    async send(metrics, signal) {
      run ??= await beginRun(api, environment["MLFLOW_EXPERIMENT_NAME"] ?? "modernbert", options);
      await api.logMetrics(run, metrics, signal);
    },
  });
  return {
    name: "MLflow",
    record(event) {
      const timestamp = Date.now();
      const finite = Object.entries(scalarsOf(event)).filter(([, value]) => Number.isFinite(value));
      queue.add(finite.map(([key, value]) => ({ key, value, timestamp, step: event.step })));
    },
    async close(ending) {
      await queue.close(endWithin);
      if (run === undefined || failed || ending === "goes on") return;
      await api.updateRun(run, ending === "finished" ? "FINISHED" : "KILLED");
    },
  };
}

/** @throws Error for an address that is no server's. */
function addressIn(environment: NodeJS.ProcessEnv): MlflowAddress | undefined {
  const uri = environment["MLFLOW_TRACKING_URI"];
  if (!uri) return undefined;
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw new Error("expected MLFLOW_TRACKING_URI of an http or https server, got another: unset it, or name a server");
  const { username, password } = url;
  [url.username, url.password] = ["", ""];
  return {
    uri: url.href,
    token: environment["MLFLOW_TRACKING_TOKEN"],
    user: environment["MLFLOW_TRACKING_USERNAME"] ?? decodeURIComponent(username),
    password: environment["MLFLOW_TRACKING_PASSWORD"] ?? decodeURIComponent(password),
  };
}

async function beginRun(api: MlflowApi, experiment: string, options: MlflowOptions): Promise<string> {
  const { output, idFile, parameters } = options;
  if (existsSync(idFile)) {
    const run = readFileSync(idFile, "utf8").trim();
    await api.updateRun(run, "RUNNING");
    return run;
  }
  const run = await api.createRun(await api.experiment(experiment), basename(resolve(output)));
  writeTextFile(idFile, `${run}\n`);
  const all = Object.entries(parameters).map(([key, value]) => ({ key, value: value.slice(0, longestValue) }));
  for (let at = 0; at < all.length; at += parametersAtOnce)
    await api.logParameters(run, all.slice(at, at + parametersAtOnce));
  return run;
}
