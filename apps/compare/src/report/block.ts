/** What a report is made of; HTML and Markdown print the same blocks. */

/** Plain text; `code` between backticks is the only mark-up. */
export interface Paragraph {
  readonly kind: "paragraph";
  readonly text: string;
}

export interface Table {
  readonly kind: "table";
  readonly title: string;
  readonly columns: readonly string[];
  /** As many cells as columns; the first one names the row. */
  readonly rows: readonly (readonly string[])[];
}

/** A value with the ends of its spread, where it has one. */
export interface Spread {
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
}

/** Groups of bars side by side, from 0. */
export interface BarChart {
  readonly kind: "bars";
  readonly title: string;
  /** Of the vertical axis. */
  readonly unit: string;
  readonly groups: readonly string[];
  /** One value for each group; undefined where there is none (why belongs in the text). At most eight series. */
  readonly series: readonly { readonly name: string; readonly values: readonly (Spread | undefined)[] }[];
}

/** Lines over a numeric axis. */
export interface LineChart {
  readonly kind: "lines";
  readonly title: string;
  readonly unit: string;
  readonly xUnit: string;
  /** Default "linear". */
  readonly xScale?: "linear" | "log2";
  readonly series: readonly { readonly name: string; readonly points: readonly (Spread & { readonly x: number })[] }[];
}

export type Chart = BarChart | LineChart;
export type Block = Paragraph | Table | Chart;

export function paragraph(text: string): Paragraph {
  return { kind: "paragraph", text };
}

/** Something that was said of ModernBERT, and what was seen of it here. */
export interface Claim {
  readonly claim: string;
  /** In a few words and figures. */
  readonly measured: string;
  readonly verdict: "shown" | "not shown" | "cannot be shown on this machine" | "not measured";
}
