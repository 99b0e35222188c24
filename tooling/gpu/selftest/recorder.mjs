/** What a stage found, written to its file after every part: a run that is cut off keeps what it had. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Thrown where a part cannot be done here; the message is the reason. */
export class Skip extends Error {}

/** Lines of an error that are kept. */
const kept = 4;

export class Recorder {
  #file;
  #result;
  #only;

  /**
   * @param {string} folder
   * @param {string} stage
   * @param {object} circumstances driver, date, commit, clocks: what stands beside the parts
   * @param {RegExp} only the parts that are wanted
   */
  constructor(folder, stage, circumstances, only = /^/) {
    mkdirSync(folder, { recursive: true });
    this.#file = resultFile(folder, stage);
    this.#only = only;
    this.#result = { stage, outcome: "running", ...circumstances, parts: [] };
    this.#write();
  }

  get parts() {
    return this.#result.parts;
  }

  /**
   * Runs a part; what it returns is kept, and so is why it failed or was skipped.
   * @param {boolean} always whether or not it is among those that are wanted: others need it
   */
  async part(name, run, always = false) {
    if (!always && !this.#only.test(name)) return undefined;
    const began = performance.now();
    let found;
    try {
      found = await run();
    } catch (error) {
      found = error instanceof Skip ? { skipped: error.message } : { failed: shorten(error) };
    }
    const seconds = Number(((performance.now() - began) / 1000).toFixed(2));
    const part = { name, ...found, seconds };
    this.#result.parts.push(part);
    this.#write();
    console.log(`  ${name}: ${part.failed ?? part.skipped ?? shown(found)}`);
    return part;
  }

  /** More of what stands beside the parts. */
  note(circumstances) {
    Object.assign(this.#result, circumstances);
    this.#write();
  }

  /** The stage is over. @param {string} line what people read of it */
  end(line) {
    this.note({ outcome: "complete", line });
  }

  #write() {
    write(this.#file, this.#result);
  }
}

export const resultFile = (folder, stage) => join(folder, `${stage}.json`);

export function readResult(folder, stage) {
  try {
    return JSON.parse(readFileSync(resultFile(folder, stage), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** A stage did not come to its end: its file says why. */
export function noteOutcome(folder, stage, outcome) {
  const result = readResult(folder, stage) ?? { stage, parts: [] };
  write(resultFile(folder, stage), { ...result, outcome });
}

function write(file, result) {
  writeFileSync(`${file}.part`, `${JSON.stringify(result, null, 1)}\n`);
  renameSync(`${file}.part`, file);
}

function shorten(error) {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.split("\n").slice(0, kept).join("\n");
}

const digits = (value) => (typeof value === "number" ? Number(value.toPrecision(4)) : value);

/** The numbers and words of a part in one line. */
function shown(found = {}) {
  const plain = Object.entries(found).filter(([, value]) => typeof value !== "object");
  return plain.map(([name, value]) => `${name} ${digits(value)}`).join(", ");
}
