#!/usr/bin/env node
/** bin `modernbert-train`. An error is one line on stderr, exit code 1, or 2 for wrong usage; a stack only with --debug. */
import { CommanderError } from "commander";
import { createProgram } from "./program.ts";
import { UsageError } from "./errors.ts";

// Whoever reads may leave (`… | head`, a closed terminal): a run goes on, its metrics.jsonl has the same lines.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
  });

const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  const { debug } = program.opts<{ debug?: boolean }>();
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`modernbert-train: ${message.replaceAll("\n", " ")}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
