#!/usr/bin/env node
/** The program: starts the server, stops it on SIGTERM and SIGINT. Exit code 2 for wrong usage, 1 for everything else that fails. */
import { CommanderError } from "commander";
import { parseCommand } from "./command.ts";
import type { Invocation } from "./command.ts";
import { startServer } from "./server.ts";

function invocation(): Invocation {
  try {
    return parseCommand(process.argv.slice(2));
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
    throw error;
  }
}

const { options, debug, hub } = invocation();
if (hub.token !== undefined) process.env["HF_TOKEN"] = hub.token;
if (hub.cache !== undefined) process.env["HF_HUB_CACHE"] = hub.cache;

function fail(error: unknown): never {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  console.error(debug ? stack : message.replaceAll(/\s*\n\s*/g, " "));
  process.exit(1);
}

try {
  const server = await startServer(options);
  let asked: number | undefined;
  const stop = (): void => {
    const before = asked;
    asked ??= performance.now();
    // A person who asks again wants it now; a shell that passes a signal on twice does not.
    if (before !== undefined && performance.now() - before > 1_000) process.exit(1);
    if (before === undefined) void server.close().then(() => process.exit(0), fail);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  server.ready.catch((error: unknown) => {
    if (asked === undefined) fail(error);
  });
} catch (error) {
  fail(error);
}
