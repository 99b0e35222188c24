/** The thread that makes batches: as many ahead as it was told, in the order of one loader. */
import type { BatchLoader } from "../packing/batch.ts";
import type { Channel, Reply, Request } from "./messages.ts";

/**
 * Serves batches until the thread is ended. The clock of a batch is foretold: that of the one before, and its tokens on all ranks.
 * @param make a loader at a state; what it or the loader throws is sent.
 */
export function serveBatches(
  { port }: Channel,
  ahead: number,
  make: (state: unknown) => Promise<BatchLoader<unknown>>,
): void {
  let loader: BatchLoader<unknown> | undefined;
  let [generation, tokens, waiting] = [0, 0, 0];
  const post = (reply: Reply): void => port.postMessage(reply);
  const fail = (error: unknown): void => {
    loader = undefined;
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    post({ generation, error: { name, message } });
  };
  const produce = (): void => {
    if (loader === undefined || waiting >= ahead) return;
    try {
      const batch = loader.next(tokens);
      post({ generation, tokens, batch, state: loader.state() });
      waiting++;
      if (batch === undefined) loader = undefined;
      else tokens += batch.allTokens ?? batch.tokens;
    } catch (error) {
      return fail(error);
    }
    // Lets messages in.
    setImmediate(produce);
  };
  port.on("message", (request: Request) => {
    if (request.kind === "taken") {
      waiting--;
      return produce();
    }
    ({ generation, tokens } = request);
    const own = generation;
    waiting = 0;
    loader = undefined;
    make(request.state).then((made) => {
      if (own !== generation) return;
      loader = made;
      produce();
    }, fail);
  });
}
