/**
 * A run on a W&B server, where WANDB_API_KEY is set. The id of its run stands in the output folder: a run that goes on goes on there too, from
 * the step of its checkpoint. Each step is one line of the run's history.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { writeTextFile } from "../../write-file.ts";
import { scalarsOf } from "../scalars.ts";
import { SendQueue } from "../send-queue.ts";
import type { Tracker } from "../tracker.ts";
import { WandbApi } from "./api.ts";
import type { WandbRun } from "./api.ts";
import { wandbSettings } from "./settings.ts";

export interface WandbOptions {
  /** Output folder of the run, which names it. */
  readonly output: string;
  /** Where the id of the run is kept. */
  readonly idFile: string;
  /** The step that the run goes on from; 0 at its beginning. */
  readonly step: number;
  readonly config: Readonly<Record<string, unknown>>;
  /** Of the configuration; in their absence the environment's. */
  readonly project?: string | undefined;
  readonly entity?: string | undefined;
  readonly onFailure: (error: Error) => void;
  readonly onNotice: (notice: string) => void;
  readonly environment?: NodeJS.ProcessEnv;
  /** As of `SendQueue`. */
  readonly pauses?: readonly number[];
  readonly interval?: number;
  /** Milliseconds for the last numbers (default 30 s). */
  readonly endWithin?: number;
}

/** A line of history, or only a sign of life: a run that is silent for minutes is shown as crashed. */
type Entry = Readonly<Record<string, number>> | "alive";

const [linesAtOnce, signOfLife] = [1000, 30_000];

/** undefined where nothing is to be sent. Nothing is sent yet: the first numbers wait for the run to be made. */
export function openWandb(options: WandbOptions): Tracker | undefined {
  const { environment = process.env, endWithin = 30_000, pauses, interval = 10_000 } = options;
  const settings = wandbSettings(environment, options);
  if (!settings) return undefined;
  const api = new WandbApi(settings.address);
  const summary: Record<string, number> = {};
  let run: OpenRun | undefined;
  let failed = false;
  let line: Record<string, number> | undefined;
  const queue = new SendQueue<Entry>({
    batch: linesAtOnce,
    interval,
    onFailure(error) {
      failed = true;
      clearInterval(beating);
      options.onFailure(error);
    },
    ...(pauses ? { pauses } : {}),
    async send(entries, signal) {
      run ??= await beginRun(api, settings, options);
      const { last } = run;
      const history = entries.filter((entry) => entry !== "alive").filter(({ _step }) => _step! > last);
      for (const entry of history) Object.assign(summary, entry);
      const files = {
        "wandb-history.jsonl": { offset: run.lines, content: history.map((entry) => JSON.stringify(entry)) },
        "wandb-summary.json": { offset: 0, content: [JSON.stringify(summary)] },
      };
      await api.stream(run, history.length > 0 ? { files } : {}, signal);
      run.lines += history.length;
    },
  });
  const beating = setInterval(() => queue.add(["alive"]), signOfLife).unref();
  const opened = Date.now();
  return {
    name: "W&B",
    record(event) {
      const finite = Object.entries(scalarsOf(event)).filter(([, value]) => Number.isFinite(value));
      if (finite.length === 0) return;
      if (line && line["_step"] !== event.step) {
        queue.add([line]);
        line = undefined;
      }
      const now = Date.now();
      const clocks = { _runtime: (now - opened) / 1000, _timestamp: now / 1000 };
      line = { ...line, _step: event.step, ...clocks, ...Object.fromEntries(finite) };
    },
    async close(ending) {
      clearInterval(beating);
      if (line) queue.add([line]);
      await queue.close(endWithin);
      if (!run || failed || ending === "goes on") return;
      await api.stream(run, { complete: true, exitcode: ending === "finished" ? 0 : 255 });
    },
  };
}

interface OpenRun extends WandbRun {
  /** Of its history. */
  lines: number;
  /** The step up to which the server has all. */
  readonly last: number;
}

async function beginRun(
  api: WandbApi,
  { project, entity, name }: NonNullable<ReturnType<typeof wandbSettings>>,
  { output, idFile, step, config, onNotice }: WandbOptions,
): Promise<OpenRun> {
  if (!existsSync(idFile)) {
    const id = randomBytes(4).toString("hex");
    const run = await api.upsert({ id, project, entity, displayName: name ?? basename(resolve(output)), config });
    writeTextFile(idFile, `${run.entity}/${run.project}/${run.id}\n`);
    return { ...run, last: -1 };
  }
  const [ofEntity, ofProject, id] = readFileSync(idFile, "utf8").trim().split("/");
  if (!id)
    throw new Error(`expected ENTITY/PROJECT/RUN in ${idFile}, got something else: remove it to begin another run`);
  const run = await api.upsert({ id, project: ofProject!, entity: ofEntity, config });
  const last = run.lines === 0 ? -1 : ((await api.lastStep(run)) ?? -1);
  if (last <= step) return { ...run, last };
  try {
    return { ...run, lines: await api.rewind(run, step), last: step };
  } catch (error) {
    onNotice(
      `W&B keeps the numbers it has of steps ${step + 1} to ${last}, and gets those after: it cannot rewind the run (${(error as Error).message})`,
    );
    return { ...run, last };
  }
}
