/**
 * What happened in training, one JSON object a line, appended as it happens. The position after the last line is part of a
 * checkpoint; a continued run cuts the file there, so that no step stands in it twice.
 */
import fs from "node:fs";
import { dirname } from "node:path";
import { ioError } from "./data/errors.ts";
import type { TrainingEvent } from "./events.ts";

export class MetricsLog {
  readonly path: string;
  readonly #descriptor: number;
  #position: number;

  /** Continues the file at `position` bytes (default 0: anew). Errors: DataError `io`. */
  constructor(path: string, position: number = 0) {
    this.path = path;
    try {
      fs.mkdirSync(dirname(path), { recursive: true });
      this.#descriptor = fs.openSync(path, fs.existsSync(path) ? "r+" : "w");
      this.#position = Math.min(position, fs.fstatSync(this.#descriptor).size);
      fs.ftruncateSync(this.#descriptor, this.#position);
    } catch (error) {
      throw ioError("MetricsLog", path, error);
    }
  }

  /** Bytes written so far. */
  get position(): number {
    return this.#position;
  }

  write(event: TrainingEvent): void {
    try {
      const line = Buffer.from(`${JSON.stringify(event)}\n`);
      fs.writeSync(this.#descriptor, line, 0, line.length, this.#position);
      this.#position += line.length;
    } catch (error) {
      throw ioError("MetricsLog", this.path, error);
    }
  }

  close(): void {
    fs.closeSync(this.#descriptor);
  }
}

/** The events of a file; a last line that was cut by a crash is left out. Errors: DataError `missing`, `io`. */
export function readMetrics(path: string): TrainingEvent[] {
  let text: string;
  try {
    text = fs.readFileSync(path, "utf8");
  } catch (error) {
    throw ioError("readMetrics", path, error);
  }
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as TrainingEvent);
}
