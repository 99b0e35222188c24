/** From whatever was thrown to one line on stderr and an exit code. */
import type { Writable } from "node:stream";
import { CommanderError } from "commander";
import { printable } from "./text.ts";

/** Something that the user of the command line can put right. */
export class CliError extends Error {
  override readonly name = "CliError";
}

/** Prints what is worth printing and returns the exit code: 0 for a closed pipe and for help, 2 for wrong usage, else 1. */
export function report(error: unknown, debug: boolean, stderr: Writable): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has said what is wrong
  if (codeOf(error) === "EPIPE") return 0;
  stderr.write(`error: ${printable(oneLine(error))}\n`);
  if (debug && error instanceof Error) stderr.write(`${stackOf(error)}\n`);
  return 1;
}

/** The library's errors say what to do; what is neither of them nor of the system is a bug. */
function oneLine(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, " ");
  if (error instanceof CliError || message.startsWith("[") || codeOf(error) !== undefined) return message;
  return `unexpected: ${message} (--debug shows where)`;
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === "string" ? code : undefined;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
