/** A report as Markdown, its charts as SVG files beside it. */
import type { Block, Chart } from "./block.ts";
import { claimColumns, provenance } from "./report.ts";
import type { MachineReport, Report, SectionReport } from "./report.ts";
import { renderSvg } from "./svg.ts";

export interface MarkdownReport {
  readonly text: string;
  /** SVG files by their names in the folder of pictures. */
  readonly pictures: ReadonlyMap<string, string>;
}

/** @param folder of the pictures, as links say it */
export function renderMarkdown(report: Report, folder: string): MarkdownReport {
  const pictures = new Map<string, string>();
  const draw = (name: string, chart: Chart): string => {
    pictures.set(name, `${renderSvg(chart)}\n`);
    return `![${chart.title}](${folder}/${name})`;
  };
  const [first, ...others] = report.machines;
  const parts = [
    `# ${report.title}`,
    first ? `${provenance(first)}; level ${report.level}.` : "Nothing is measured yet.",
    ...(first ? renderMachine(first, "", draw) : []),
    ...others.flatMap((other, at) => [
      "# Also measured on another machine",
      `${provenance(other)}. Nothing above was compared with these figures.`,
      ...renderMachine(other, `m${at + 2}-`, draw),
    ]),
  ];
  return { text: `${parts.join("\n\n")}\n`, pictures };
}

/** Keeps a picture by its name; what links to it. */
type Draw = (name: string, chart: Chart) => string;

function renderMachine({ claims, sections }: MachineReport, prefix: string, draw: Draw): string[] {
  const rows = claims.map(({ claim, measured, verdict }) => [claim, measured, verdict]);
  return [
    ...(rows.length > 0 ? [table(claimColumns, rows)] : []),
    ...sections.flatMap((each) => renderSection(each, prefix, draw)),
  ];
}

function renderSection({ name, title, blocks }: SectionReport, prefix: string, draw: Draw): string[] {
  return [`## ${title}`, ...blocks.map((block, at) => renderBlock(block, `${prefix}${name}-${at + 1}.svg`, draw))];
}

function renderBlock(block: Block, picture: string, draw: Draw): string {
  switch (block.kind) {
    case "paragraph":
      return block.text;
    case "table":
      return `**${block.title}**\n\n${table(block.columns, block.rows)}`;
    case "bars":
    case "lines":
      return draw(picture, block);
    default:
      return block satisfies never;
  }
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return [
    tableLine(columns),
    tableLine(columns.map((_, at) => (at === 0 ? "---" : "---:"))),
    ...rows.map(tableLine),
  ].join("\n");
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
