/** Records of one section on one machine: taken where they are there with equal settings, measured and written where not. */
import { isDeepStrictEqual } from "node:util";
import type { Level } from "../level.ts";
import { machineId } from "../records/machine.ts";
import type { Machine } from "../records/machine.ts";
import type { JsonObject } from "../records/record.ts";
import type { RecordStore } from "../records/store.ts";

export interface Recorder {
  readonly store: RecordStore;
  readonly machine: Machine;
  readonly level: Level;
  readonly section: string;
  readonly signal: AbortSignal;
  /** Called with the key of each record, and whether it was there. */
  readonly onRecord: (key: string, found: boolean, seconds: number) => void;
}

/** See `Context.measured`. @throws the signal's reason, what `make` throws, DataError of the file system. */
export async function measured<V extends JsonObject>(
  { store, machine, level, section, signal, onRecord }: Recorder,
  key: string,
  settings: JsonObject,
  make: () => Promise<V>,
): Promise<V> {
  signal.throwIfAborted();
  const id = machineId(machine);
  const plain = asStored(settings);
  const found = store.find(id, level, section, key);
  if (found && isDeepStrictEqual(found.settings, plain)) {
    onRecord(key, true, found.seconds);
    return found.values as V;
  }
  const start = performance.now();
  const values = asStored(await make());
  signal.throwIfAborted();
  const seconds = Math.round((performance.now() - start) / 10) / 100;
  const [node, date] = [process.versions.node, new Date().toISOString()];
  store.write(id, level, { section, key, settings: plain, values, machine, node, date, seconds });
  onRecord(key, false, seconds);
  return values;
}

/** As it comes back from disk: a fresh measurement and one that was found look the same. */
function asStored<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
