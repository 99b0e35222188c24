/** How a program of this package ends: by an error in one line, or by a signal once it has closed. */
import { CommanderError } from "commander";

/** What `parse` gives; wrong usage, of which commander has said all, ends the process with 2, --help with 0. */
export function parsedOrExit<Parsed>(parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
    throw error;
  }
}

/** @param debug print the stack. */
export function fail(error: unknown, debug: boolean): never {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  console.error(debug ? stack : message.replaceAll(/\s*\n\s*/g, " "));
  process.exit(1);
}

/** Closes on SIGTERM and SIGINT. @returns whether that was asked. */
export function closeOnSignals(close: () => Promise<void>, debug: boolean): () => boolean {
  let asked: number | undefined;
  const stop = (): void => {
    const before = asked;
    asked ??= performance.now();
    // A person who asks again wants it now; a shell that passes a signal on twice does not.
    if (before !== undefined && performance.now() - before > 1_000) process.exit(1);
    if (before === undefined)
      void close().then(
        () => process.exit(0),
        (error: unknown) => fail(error, debug),
      );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  return () => asked !== undefined;
}
