/**
 * What happened in training, one JSON object a line, appended as it happens. The position after the last line is part of a
 * checkpoint; a continued run cuts the file there, so that no step stands in it twice. Lines that find no room wait for the next one.
 */
import fs from "node:fs";
import { dirname } from "node:path";
import { DataError, ioError } from "../errors.ts";
import type { CheckpointEvent, TrainingEvent } from "./events.ts";
import { upgradeNumbers } from "./earlier-versions.ts";

export class MetricsLog {
  readonly path: string;
  readonly #descriptor: number;
  #position: number;
  /** Lines that are not on disk yet. */
  #waiting: Buffer[] = [];

  /**
   * Continues the file at `position` bytes (default 0: anew). `saved`: what says of the checkpoint gone on from that it is there; a line
   * that comes later than the position, and is written anew. @throws DataError `io`.
   */
  constructor(path: string, position: number = 0, saved?: CheckpointEvent) {
    this.path = path;
    try {
      fs.mkdirSync(dirname(path), { recursive: true });
      this.#descriptor = fs.openSync(path, fs.existsSync(path) ? "r+" : "w");
      this.#position = position <= fs.fstatSync(this.#descriptor).size ? position : endOfLastLine(path);
      fs.ftruncateSync(this.#descriptor, this.#position);
      if (saved && !endsWith(path, saved)) this.write(saved);
    } catch (error) {
      throw ioError("MetricsLog", path, error);
    }
  }

  /** Bytes of all lines so far. */
  get position(): number {
    return this.#position;
  }

  /** @throws DataError `io` when the line could not be written: it is kept, and written before the next. */
  write(event: TrainingEvent): void {
    const line = lineOf(event);
    this.#position += line.length;
    this.#waiting.push(line);
    this.#flush();
  }

  /** @throws DataError `io` when lines that waited find no room now either. */
  close(): void {
    try {
      this.#flush();
    } finally {
      fs.closeSync(this.#descriptor);
    }
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#waiting);
    try {
      for (let done = 0; done < bytes.length;)
        done += fs.writeSync(this.#descriptor, bytes, done, bytes.length - done, this.#position - bytes.length + done);
    } catch (error) {
      throw ioError("MetricsLog", this.path, error);
    }
    this.#waiting = [];
  }
}

/**
 * The events of a file; a last line that was cut by a crash is left out.
 * @throws DataError `missing`, `io`, `corrupt` (path and line).
 */
export function readMetrics(path: string): TrainingEvent[] {
  let text: string;
  try {
    text = fs.readFileSync(path, "utf8");
  } catch (error) {
    throw ioError("readMetrics", path, error);
  }
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line, at) => parseEvent(line, `${path}:${at + 1}`));
}

const kinds = { step: true, evaluation: true, checkpoint: true } satisfies Record<TrainingEvent["kind"], true>;

function parseEvent(line: string, place: string): TrainingEvent {
  let event: Partial<TrainingEvent> | null = null;
  try {
    event = JSON.parse(line) as Partial<TrainingEvent> | null;
  } catch {
    // Told below, together with JSON that is no event.
  }
  if (Object.hasOwn(kinds, event?.kind ?? "") && Number.isInteger(event?.step))
    return upgradeNumbers(event as TrainingEvent);
  throw new DataError(
    "corrupt",
    "readMetrics",
    `expected a training event in ${place}, got ${JSON.stringify(line.slice(0, 40))}; delete that line or restore the file`,
  );
}

function lineOf(event: TrainingEvent): Buffer {
  return Buffer.from(`${JSON.stringify(event)}\n`);
}

/** Whether the last line is of the same checkpoint, as it is in files of earlier releases. */
function endsWith(path: string, { kind, step }: CheckpointEvent): boolean {
  const last = fs.readFileSync(path, "utf8").trimEnd().split("\n").at(-1)!;
  return last.startsWith(`{"kind":"${kind}","step":${step},`);
}

/** A crash can cut the file before the position that a checkpoint expects, even inside a line. */
function endOfLastLine(path: string): number {
  return fs.readFileSync(path).lastIndexOf("\n") + 1;
}
