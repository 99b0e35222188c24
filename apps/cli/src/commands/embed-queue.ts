/** `modernbert embed --queue`: puts files into a queue that workers share, follows the job and says what came of it. */
import { connect, follow, makeJob, submit } from "@modernbert-ts/bulk";
import type { BulkProgress } from "@modernbert-ts/bulk";
import { Option } from "commander";
import { CliError } from "../errors.ts";
import { notices, positiveInteger } from "../options.ts";
import type { Streams } from "../streams.ts";
import type { TaskOptions } from "../task-command.ts";
import { grouped } from "../text.ts";

/** What `queueOptions` gives. */
export interface QueueOptions {
  readonly queue?: string;
  readonly invalid?: "refuse" | "skip";
  readonly shardTokens?: number;
}

const [defaultField, defaultShard] = ["text", 65_536];

export function queueOptions(): Option[] {
  const group = "With a queue, where `modernbert-serve worker` computes:";
  return [
    new Option(
      "--queue <url>",
      "Redis, such as redis://localhost:6379; follows the job, which goes on without this program",
    ),
    new Option(
      "--invalid <what>",
      'with --queue: skip texts that cannot be used, or refuse all (default: "refuse")',
    ).choices(["refuse", "skip"]),
    new Option(
      "--shard-tokens <n>",
      `with --queue: tokens that a worker takes at once (default: ${defaultShard})`,
    ).argParser(positiveInteger),
  ].map((option) => option.helpGroup(group));
}

/** @throws CliError for options that are of a queue where none is named. */
export function checkNoQueue({ queue, invalid, shardTokens }: QueueOptions): void {
  const given = Object.entries({ invalid, "shard-tokens": shardTokens }).find(([, value]) => value !== undefined);
  if (queue === undefined && given)
    throw new CliError(`--${given[0]}: expected --queue beside it, got none: name one, or leave it out`);
}

/** @param task Of the embedding, as the library names its options. */
export async function embedInQueue(
  options: QueueOptions & TaskOptions,
  task: Readonly<Record<string, unknown>>,
  streams: Streams,
): Promise<void> {
  const { queue: url, input = [], output, field = defaultField, invalid = "refuse" } = options;
  if (input.length === 0) throw new CliError("--queue: expected --input with files of texts, got none");
  if (output === undefined) throw new CliError("--queue: expected --output, a file of .jsonl or .parquet, got none");
  const tell = notices(streams);
  await using connection = await connect(url!, tell);
  const job = await makeJob({
    task: "embed",
    options: task,
    model: options.model,
    dtype: options.dtype,
    weights: options.weights,
    inputs: input,
    output,
    field,
    invalid,
    truncate: options.truncate ?? false,
    shardTokens: options.shardTokens ?? defaultShard,
  });
  const { id, known } = await submit(connection, job);
  tell(
    known
      ? `job ${id} is in the queue already: following it`
      : `job ${id}: Ctrl-C leaves it to the workers; the same command follows it again`,
  );
  const result = await follow(connection, id, { onProgress: (progress) => tell(described(progress)), onNotice: tell });
  const skipped =
    result.skipped === 0 ? "" : `; ${grouped(result.skipped)} skipped, see ${result.output}.skipped.jsonl`;
  tell(`${result.output}: ${grouped(result.records)} vectors of ${grouped(result.tokens)} tokens${skipped}`);
}

function described({ records, tokens, skipped, shards, done = 0 }: BulkProgress): string {
  const read = `${grouped(records)} texts, ${grouped(tokens)} tokens${skipped > 0 ? `, ${grouped(skipped)} skipped` : ""}`;
  return shards === undefined ? `reading: ${read}` : `${done} of ${shards} shards done (${read})`;
}
