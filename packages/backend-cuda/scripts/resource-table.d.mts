/** The types of resource-table.mjs. */
export interface Use {
  readonly registers: number;
  readonly stack: number;
  readonly spilled: number;
  readonly shared: number;
}

/** By kernel, then by target. */
export type Uses = ReadonlyMap<string, Readonly<Record<string, Use>>>;

export function parsePtxas(text: string): { readonly name: string; readonly use: Use }[];
export function writeTable(measured: Uses, targets: readonly string[]): string;
export function readTable(text: string): Uses;
export function compare(
  measured: Uses,
  known: Uses,
  targets: readonly string[],
): { readonly faults: readonly string[]; readonly notes: readonly string[] };
