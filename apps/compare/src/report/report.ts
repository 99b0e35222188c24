/** What a report says, before it is HTML or Markdown. */
import type { Machine } from "../records/machine.ts";
import type { Block, Claim } from "./block.ts";

export interface SectionReport {
  readonly name: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** All that was measured on one machine. */
export interface MachineReport {
  readonly machine: Machine;
  readonly node: string;
  /** Of the first and last record, ISO 8601 dates without the time. */
  readonly dates: readonly [from: string, to: string];
  /** Of all measurements together. */
  readonly seconds: number;
  readonly claims: readonly Claim[];
  readonly sections: readonly SectionReport[];
}

export interface Report {
  readonly title: string;
  readonly level: string;
  /** The machine that the report is about, then others; what is said of one is made of its records alone. */
  readonly machines: readonly MachineReport[];
}

export const claimColumns: readonly string[] = ["Said of ModernBERT", "Measured here", "Verdict"];

/** Where and when, in one line. */
export function provenance({ machine, node, dates, seconds }: MachineReport): string {
  const { processor, cores, memoryGiB, device, threads } = machine;
  const when = dates[0] === dates[1] ? dates[0] : `${dates[0]} to ${dates[1]}`;
  return `${processor}, ${cores} cores, ${memoryGiB} GiB; ${device}; ${threads} threads; Node ${node}; ${when}; ${Math.max(1, Math.round(seconds / 60))} minutes of measuring`;
}
