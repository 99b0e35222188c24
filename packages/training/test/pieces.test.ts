/** Long documents: their pieces are shuffled among all others. */
import { expect, test } from "vitest";
import { mixStores } from "../src/data/packing/mixture.ts";
import { PackedLoader } from "../src/data/packing/packed-loader.ts";
import type { PackedLoaderState } from "../src/data/packing/packed-loader.ts";
import type { PackedRow } from "../src/data/packing/batch.ts";
import type { DocumentStore } from "../src/data/packing/sequences.ts";
import { memoryStore } from "./data-fixtures.ts";

const letters = (length: number, id: number): number[] => Array.from({ length }, () => id);

function loaderOf(store: DocumentStore, state?: PackedLoaderState, epochs?: number): PackedLoader<PackedRow> {
  return new PackedLoader(
    {
      store,
      seed: 5,
      rowLength: 10,
      maxLength: 10,
      rows: 1,
      bufferSize: 1,
      ...(epochs === undefined ? {} : { epochs }),
      prepare: (row) => row,
      weightOf: () => 1,
    },
    state,
  );
}

/** [document, chunk] of the sequences to come. */
function order(loader: PackedLoader<PackedRow>, batches: number): string[] {
  return Array.from({ length: batches }, () => loader.next(0)?.rows ?? [])
    .flat()
    .flatMap(({ sequences }) => sequences.map(({ document, chunk }) => `${document}.${chunk}`));
}

const store = memoryStore([letters(400, 3), letters(10, 4), letters(195, 5)], 9);
const all = [
  ...Array.from({ length: 40 }, (_, at) => `0.${at}`),
  "1.0",
  ...Array.from({ length: 20 }, (_, at) => `2.${at}`),
];

test("each piece comes once an epoch, not behind the one before it, in another order each epoch", () => {
  const loader = loaderOf(store, undefined, 2);
  const found = order(loader, 200);
  const epochs = [found.slice(0, all.length), found.slice(all.length)];
  for (const epoch of epochs) {
    expect(epoch.toSorted()).toEqual(all.toSorted());
    const places = epoch.flatMap((piece, at) => (piece.startsWith("0.") ? at : []));
    const follows = places.filter((at) => epoch[at + 1] === `0.${Number(epoch[at]!.slice(2)) + 1}`);
    expect(follows.length).toBeLessThan(6);
  }
  expect(epochs[0]).not.toEqual(epochs[1]);
});

test("a state goes on in the middle of a document", () => {
  const [whole, cut] = [loaderOf(store), loaderOf(store)];
  const first = order(cut, 30);
  const state = JSON.parse(JSON.stringify(cut.state())) as PackedLoaderState;
  expect([...first, ...order(loaderOf(store, state), 60)]).toEqual(order(whole, 90));
});

test("a state of an earlier release goes on piece after piece, as it began", () => {
  const state = loaderOf(store).state();
  const { pieces: _, ...settings } = state.settings;
  const old = { ...state, settings, stream: { position: 0, current: [0, 0, 7] as const } };
  const loader = loaderOf(store, old);
  expect(order(loader, 5)).toEqual(["0.7", "0.8", "0.9", "0.10", "0.11"]);
  expect(loader.state().settings["pieces"]).toBeUndefined();
});

test("sources of a mixture keep their shares of the tokens", () => {
  const short = memoryStore(
    Array.from({ length: 50 }, () => letters(5, 2)),
    9,
  );
  const sources = [
    { name: "long", store },
    { name: "short", store: short },
  ];
  const loader = loaderOf(mixStores(sources, { maxLength: 10 }, { weights: [3, 1] }));
  const tokens = { long: 0, short: 0 };
  for (let batch = 0; batch < 2000; batch++) {
    const { sourceTokens } = loader.next(0)!;
    tokens.long += sourceTokens!["long"]!;
    tokens.short += sourceTokens!["short"]!;
  }
  expect(tokens.long / (tokens.long + tokens.short)).toBeCloseTo(0.75, 1);
});
