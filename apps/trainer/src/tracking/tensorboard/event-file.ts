/**
 * A TensorBoard event file. A run that goes on writes it anew from what its metrics file kept and takes the earlier one away: so each step
 * stands in it once, and all of it is there when it is switched on in the middle of a run.
 */
import fs from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { ioError } from "@modernbert-ts/training";
import type { TrainingEvent } from "@modernbert-ts/training";
import { scalarsOf } from "../scalars.ts";
import type { Tracker } from "../tracker.ts";
import { scalarsEvent, startEvent, versionEvent } from "./event.ts";
import { frameRecord } from "./record.ts";

const ownFile = /^events\.out\.tfevents\.\d+\..*\.modernbert$/;

/**
 * @param history the events of the run so far, its clock standing where the last of them left it.
 * @throws DataError `io`.
 */
export function openEventFile(folder: string, history: readonly TrainingEvent[]): Tracker {
  const now = Date.now() / 1000;
  const began = now - (history.at(-1)?.seconds ?? 0);
  const recordOf = (event: TrainingEvent): Buffer => {
    const scalars = scalarsOf(event);
    if (Object.keys(scalars).length === 0) return Buffer.alloc(0);
    return frameRecord(scalarsEvent(began + event.seconds, event.step, scalars));
  };
  const first = [versionEvent(began), startEvent(began, 0)].map(frameRecord);
  const descriptor = startFile(folder, now, Buffer.concat([...first, ...history.map(recordOf)]));
  return {
    name: "TensorBoard",
    record: (event) => inOneWrite(folder, descriptor, recordOf(event)),
    close: async () => fs.closeSync(descriptor),
  };
}

/** The file appears whole, then earlier ones go. */
function startFile(folder: string, now: number, bytes: Buffer): number {
  try {
    fs.mkdirSync(folder, { recursive: true });
    const earlier = fs.readdirSync(folder).filter((name) => ownFile.test(name));
    const name = nameOf(now, earlier);
    const aside = join(folder, `.${name}.tmp`);
    const descriptor = fs.openSync(aside, "w");
    try {
      for (let done = 0; done < bytes.length;) done += fs.writeSync(descriptor, bytes, done);
      fs.renameSync(aside, join(folder, name));
    } catch (error) {
      fs.closeSync(descriptor);
      fs.rmSync(aside, { force: true });
      throw error;
    }
    for (const old of earlier) fs.rmSync(join(folder, old), { force: true });
    return descriptor;
  } catch (error) {
    throw ioError("tensorboard", folder, error);
  }
}

/** Readers take files in the order of their names: after all earlier ones, also of a run that began in the same second. */
function nameOf(now: number, earlier: readonly string[]): string {
  const times = earlier.map((name) => Number(name.split(".")[3]));
  const time = Math.max(Math.floor(now), ...times.map((before) => before + 1));
  return `events.out.tfevents.${String(time).padStart(10, "0")}.${hostname()}.modernbert`;
}

/** A record that finds no room would leave a torn one before the next: nothing is written after it. */
function inOneWrite(folder: string, descriptor: number, bytes: Buffer): void {
  try {
    for (let done = 0; done < bytes.length;) done += fs.writeSync(descriptor, bytes, done);
  } catch (error) {
    throw ioError("tensorboard", folder, error);
  }
}
