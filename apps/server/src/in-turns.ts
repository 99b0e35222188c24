/** Long work on the HTTP thread in short pieces, so that others are heard meanwhile. */

/** Milliseconds without a break. */
const slice = 8;

/** `make` of each item; between items the event loop gets its turn. Rejects when `signal` aborts. */
export async function inTurns<T, R>(
  items: readonly T[],
  make: (item: T, index: number) => R | Promise<R>,
  signal: AbortSignal,
): Promise<R[]> {
  const made: R[] = [];
  let resumed = performance.now();
  for (const [index, item] of items.entries()) {
    made.push(await make(item, index));
    if (performance.now() - resumed < slice) continue;
    await new Promise<void>((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    resumed = performance.now();
  }
  return made;
}
