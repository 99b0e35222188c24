#!/usr/bin/env node
/** The program: serves over HTTP, or works on jobs of a queue. Exit code 2 for wrong usage, 1 for everything else that fails. */
import { parseCommand } from "./command.ts";
import { closeOnSignals, fail, parsedOrExit } from "./process.ts";
import { startServer } from "./server.ts";

async function serve(args: readonly string[]): Promise<void> {
  const { options, debug, hub } = parsedOrExit(() => parseCommand(args));
  if (hub.token !== undefined) process.env["HF_TOKEN"] = hub.token;
  if (hub.cache !== undefined) process.env["HF_HUB_CACHE"] = hub.cache;
  try {
    const server = await startServer(options);
    const asked = closeOnSignals(() => server.close(), debug);
    server.ready.catch((error: unknown) => {
      if (!asked()) fail(error, debug);
    });
  } catch (error) {
    fail(error, debug);
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === "worker") await (await import("./bulk/work.ts")).work(rest);
else await serve(process.argv.slice(2));
