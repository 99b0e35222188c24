/**
 * Where `prepare` works until everything is there: OUTPUT.preparing. A journal says which shards are finished, so that after a kill the
 * same command goes on behind them; what is damaged or not in the journal is made again. One rename puts the folder into its place.
 */
import fs from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { openTokenizerFile } from "@modernbert-ts/pipelines";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { ioError, isWhole } from "@modernbert-ts/training";
import type { WrittenShard } from "@modernbert-ts/training";
import { lockFolder } from "../run/output/lock.ts";
import type { Lock } from "../run/output/lock.ts";
import { dataLayout } from "../run/data/training-data.ts";

export type Part = "train" | "validation";

/** Documents that were taken together: a shard of each part, where it has documents. */
export interface Segment {
  /** Documents of the source up to its end. */
  readonly documents: number;
  readonly shards: Readonly<Partial<Record<Part, WrittenShard>>>;
}

const files = { job: "job.json", journal: "journal.jsonl" } as const;

export class WorkFolder {
  readonly path: string;
  readonly #output: string;
  readonly #lock: Lock;
  readonly #segments: Segment[] = [];

  /** @throws UserError when another process works there; DataError `io`. */
  constructor(output: string) {
    this.#output = resolve(output);
    this.path = join(dirname(this.#output), `${basename(this.#output)}.preparing`);
    this.#lock = lockFolder(this.path);
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Takes over what the same job has left; what another one left is removed. @returns a line about it, where there was something. */
  async open(fingerprint: string): Promise<string | undefined> {
    const left = readIfThere(join(this.path, files.job));
    if (left !== undefined && (JSON.parse(left) as { fingerprint?: unknown }).fingerprint === fingerprint)
      return this.#takeOver();
    const others = fs.readdirSync(this.path).filter((name) => join(this.path, name) !== this.#lock.path);
    for (const name of others) fs.rmSync(join(this.path, name), { recursive: true });
    return left === undefined ? undefined : `${this.path} held what other texts or settings had begun: it was removed`;
  }

  async #takeOver(): Promise<string | undefined> {
    const lines = (readIfThere(join(this.path, files.journal)) ?? "").split("\n").slice(0, -1);
    for (const line of lines) {
      const segment = JSON.parse(line) as Segment;
      for (const [part, shard] of Object.entries(segment.shards))
        if (!(await isWhole(join(this.path, part), shard))) return this.#cutJournal(lines, segment);
      this.#segments.push(segment);
    }
    return lines.length > 0 ? `going on behind ${lines.length} finished shards` : undefined;
  }

  #cutJournal(lines: readonly string[], { shards }: Segment): string {
    const kept = this.#segments.length;
    fs.writeFileSync(
      join(this.path, files.journal),
      lines
        .slice(0, kept)
        .map((line) => `${line}\n`)
        .join(""),
      {
        flush: true,
      },
    );
    return `a shard that was finished is damaged (${(shards.train ?? shards.validation)!.data.file}): going on behind ${kept} of ${lines.length}`;
  }

  /** The job's tokenizer: as it was kept, or the one that `choose` gives, which is kept. */
  async tokenizer(fingerprint: string, choose: () => Promise<Tokenizer>): Promise<Tokenizer> {
    const path = join(this.path, dataLayout.tokenizer);
    if (fs.existsSync(join(this.path, files.job))) return (await openTokenizerFile(path))!;
    const tokenizer = await choose();
    this.#write(dataLayout.tokenizer, tokenizer);
    this.#write(dataLayout.tokenizerConfig, tokenizer.toConfigJSON());
    // Last: it makes the folder one to go on from.
    this.#write(files.job, { fingerprint });
    return tokenizer;
  }

  /** Where a part's shards go; made where it is missing. */
  folder(part: Part): string {
    const path = join(this.path, part);
    fs.mkdirSync(path, { recursive: true });
    return path;
  }

  /** Which files the documents come from. */
  addSources(documentsByFile: ReadonlyMap<string, number>): void {
    this.#write(
      dataLayout.sources,
      Array.from(documentsByFile, ([path, documents]) => ({ path, documents })),
    );
  }

  /** A segment whose shards are on disk. */
  add(segment: Segment): void {
    try {
      fs.appendFileSync(join(this.path, files.journal), `${JSON.stringify(segment)}\n`, { flush: true });
    } catch (error) {
      throw ioError("prepare", this.path, error);
    }
    this.#segments.push(segment);
  }

  /** Moves the whole to its place. @throws DataError `io`. */
  commit(): void {
    try {
      for (const name of Object.values(files)) fs.rmSync(join(this.path, name), { force: true });
      this.#lock.release();
      if (fs.existsSync(this.#output)) fs.rmdirSync(this.#output);
      fs.renameSync(this.path, this.#output);
    } catch (error) {
      throw ioError("prepare", this.#output, error);
    }
  }

  /** Leaves what can be gone on from, else nothing. */
  close(): void {
    if (this.#segments.length === 0) this.discard();
    this.#lock.release();
  }

  /** Removes it with all that is finished. */
  discard(): void {
    fs.rmSync(this.path, { recursive: true, force: true });
  }

  #write(name: string, value: unknown): void {
    fs.writeFileSync(join(this.path, name), JSON.stringify(value), { flush: true });
  }
}

function readIfThere(path: string): string | undefined {
  return fs.existsSync(path) ? fs.readFileSync(path, "utf8") : undefined;
}
