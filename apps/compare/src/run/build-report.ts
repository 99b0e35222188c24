/** From the records on disk to what the report says: each machine by itself. */
import type { Level } from "../level.ts";
import type { Measurement } from "../records/record.ts";
import type { RecordStore } from "../records/store.ts";
import type { MachineReport, Report } from "../report/report.ts";
import type { Section } from "../sections/section.ts";

/** @param first the id of the machine that the report is about; others follow in the order of their ids. */
export function buildReport(
  store: RecordStore,
  sections: readonly Section[],
  level: Level,
  first: string | undefined,
): Report {
  const ids = store.machines(level).sort((a, b) => Number(b === first) - Number(a === first));
  const machines = ids.flatMap((id) => machineReport(store, sections, level, id) ?? []);
  return { title: "BERT beside ModernBERT", level, machines };
}

function machineReport(
  store: RecordStore,
  sections: readonly Section[],
  level: Level,
  id: string,
): MachineReport | undefined {
  const sets = sections
    .filter(({ minutes }) => minutes[level] !== undefined)
    .map((section) => ({ section, records: store.read(id, level, section.name) }));
  const all = sets.flatMap(({ records }) => records).sort((a, b) => (a.date < b.date ? -1 : 1));
  const [oldest, newest] = [all[0], all.at(-1)];
  if (!oldest || !newest) return undefined;
  return {
    machine: newest.machine,
    node: [...new Set(all.map(({ node }) => node))].join(" and "),
    dates: [day(oldest), day(newest)],
    seconds: all.reduce((sum, { seconds }) => sum + seconds, 0),
    claims: sets.flatMap(({ section, records }) => section.claims?.(records) ?? []),
    sections: sets
      .filter(({ records }) => records.length > 0)
      .map(({ section, records }) => ({
        name: section.name,
        title: section.title,
        blocks: section.render(records, level),
      })),
  };
}

function day({ date }: Measurement): string {
  return date.slice(0, 10);
}
