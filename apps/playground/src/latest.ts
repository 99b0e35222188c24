/** Work that follows typing: waits for a pause, runs one at a time, and shows an answer only while it is still the wanted one. */

export interface Latest<Input> {
  /** Asks for an answer to `input` instead of to what was asked before. */
  ask(input: Input): void;
  /** Forgets what was asked. */
  cancel(): void;
}

/** `run` must not reject; its signal is aborted when its answer is not wanted any more. */
export function latest<Input, Output>(
  pause: number,
  run: (input: Input, signal: AbortSignal) => Promise<Output>,
  show: (output: Output) => void,
): Latest<Input> {
  let wanted: { readonly input: Input } | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: AbortController | undefined;
  let asked = 0;

  async function work(): Promise<void> {
    if (running) return running.abort();
    while (wanted) {
      const { input } = wanted;
      wanted = undefined;
      const mine = asked;
      running = new AbortController();
      const output = await run(input, running.signal);
      if (mine === asked) show(output);
    }
    running = undefined;
  }

  return {
    ask(input) {
      asked++;
      clearTimeout(timer);
      timer = setTimeout(() => {
        wanted = { input };
        void work();
      }, pause);
    },
    cancel() {
      asked++;
      clearTimeout(timer);
      wanted = undefined;
      running?.abort();
    },
  };
}
