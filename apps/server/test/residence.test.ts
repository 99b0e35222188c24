/** Which models are in memory, on models that only say what is done to them. */
import * as fc from "fast-check";
import { expect, test, vi } from "vitest";
import { Residence } from "../src/model/residence.ts";
import type { Place } from "../src/model/residence.ts";

const forever = new AbortController().signal;
const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

interface World {
  readonly residence: Residence;
  readonly places: readonly Place[];
  readonly loaded: Set<number>;
  /** Starts a request that ends when the function is called. */
  ask(model: number, signal?: AbortSignal): { readonly entered: () => boolean; readonly end: () => Promise<void> };
}

function world(budget: number | undefined, sizes: readonly number[], idle?: number): World {
  const residence = new Residence({ budget, idle });
  const loaded = new Set<number>();
  const places = sizes.map((bytes, model) =>
    residence.add(`m${model}`, bytes, {
      load: () => void loaded.add(model),
      unload: async () => {
        await Promise.resolve();
        loaded.delete(model);
      },
    }),
  );
  return {
    residence,
    places,
    loaded,
    ask(model, signal = forever) {
      let inside = false;
      let end!: () => void;
      const ended = new Promise<void>((resolve) => (end = resolve));
      const done = residence.hold(places[model]!, signal, async () => {
        inside = true;
        expect(loaded).toContain(model);
        await ended;
      });
      done.catch(() => {});
      return {
        entered: () => inside,
        end: async () => {
          end();
          await done.catch(() => {});
          await turns();
        },
      };
    },
  };
}

test("a model larger than the budget is refused by name", () => {
  expect(() => world(10, [5, 11])).toThrow("expected every model to fit --memory-budget (10 bytes), got m1 of some 11");
});

test("those that fit are loaded at once; another takes the place of the one that was idle longest", async () => {
  const { residence, loaded, ask } = world(10, [4, 4, 4]);
  residence.fill();
  expect([...loaded]).toEqual([0, 1]);
  await ask(0).end();
  const third = ask(2);
  await turns();
  expect([third.entered(), [...loaded]]).toEqual([true, [0, 2]]);
  await third.end();
});

test("a busy model leaves once its requests are answered, and takes no new ones while somebody waits for its room", async () => {
  const { residence, loaded, ask } = world(4, [4, 4]);
  residence.fill();
  const busy = ask(0);
  const waiting = ask(1);
  const late = ask(0);
  await turns();
  expect([busy.entered(), waiting.entered(), late.entered()]).toEqual([true, false, false]);
  await busy.end();
  expect([waiting.entered(), late.entered(), [...loaded]]).toEqual([true, false, [1]]);
  await waiting.end();
  expect([late.entered(), [...loaded]]).toEqual([true, [0]]);
  await late.end();
});

test("who gives up waiting leaves the queue", async () => {
  const { residence, ask } = world(4, [4, 4]);
  residence.fill();
  const busy = ask(0);
  const gone = new AbortController();
  const waiting = ask(1, gone.signal);
  gone.abort(new Error("gone"));
  await busy.end();
  expect(waiting.entered()).toBe(false);
});

test("a model without requests leaves after a while, and comes back on demand", async () => {
  vi.useFakeTimers();
  try {
    const { residence, loaded, ask } = world(undefined, [4], 1000);
    residence.fill();
    vi.advanceTimersByTime(900);
    const request = ask(0);
    vi.advanceTimersByTime(5000);
    expect(loaded.size).toBe(1);
    await request.end();
    vi.advanceTimersByTime(1100);
    await turns();
    expect(loaded.size).toBe(0);
    const next = ask(0);
    await turns();
    expect([next.entered(), loaded.size]).toEqual([true, 1]);
    await next.end();
  } finally {
    vi.useRealTimers();
  }
});

test("whatever is asked, in any order: never more than the budget, and everybody gets in", async () => {
  const sizes = [3, 5, 2, 6];
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 6, max: 16 }),
      fc.array(fc.record({ model: fc.nat({ max: 3 }), ends: fc.nat({ max: 5 }) }), { maxLength: 30 }),
      async (budget, steps) => {
        const { residence, loaded, ask } = world(budget, sizes);
        residence.fill();
        const open: ReturnType<World["ask"]>[] = [];
        const check = (): void => {
          const bytes = [...loaded].reduce((sum, model) => sum + sizes[model]!, 0);
          expect(bytes).toBeLessThanOrEqual(budget);
        };
        for (const { model, ends } of steps) {
          open.push(ask(model));
          await turns();
          check();
          for (const request of open.splice(0, ends)) void request.end();
          await turns();
          check();
        }
        const entered = [...open];
        for (let round = 0; round < 40 && open.length > 0; round++) {
          const ready = open.filter((request) => request.entered());
          for (const request of ready) {
            open.splice(open.indexOf(request), 1);
            await request.end();
          }
          await turns();
        }
        expect(entered.every((request) => request.entered())).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});
