/** How long the sequences are that documents are cut into. */
import { SequenceCutter } from "./sequences.ts";
import type { CutOptions, DocumentStore } from "./sequences.ts";

/** Lengths of all sequences of at most `limit` documents, taken evenly. */
export function* sequenceLengths(
  store: DocumentStore,
  options: CutOptions,
  limit: number = Number.POSITIVE_INFINITY,
): Generator<number> {
  const cutter = new SequenceCutter(store, options);
  const every = Math.max(1, Math.ceil(store.documents / limit));
  for (let document = 0; document < store.documents; document += every)
    for (let chunk = 0; chunk < cutter.chunks(document); chunk++) yield cutter.ref(document, chunk, 0).length;
}
