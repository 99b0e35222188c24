/** A report as one HTML file: nothing is loaded, no script, light and dark, narrow and wide. */
import { escapeHtml, renderPage } from "@modernbert-ts/trainer/charts";
import type { Block, Claim, Table } from "./block.ts";
import { claimColumns, provenance } from "./report.ts";
import type { MachineReport, Report, SectionReport } from "./report.ts";
import { renderSvg } from "./svg.ts";

const style = `<style>
main { max-width: 860px; }
h2 { font-size: 20px; margin: 40px 0 8px; }
h3 { font-size: 15px; font-weight: 600; margin: 20px 0 4px; }
p { margin: 8px 0; }
figure { margin: 16px 0; }
code { font-size: 0.92em; }
td, th { vertical-align: top; }
td:first-child, th:first-child { text-align: left; }
.claims td, .claims th { text-align: left; }
.verdict { white-space: nowrap; font-weight: 600; }
.verdict.yes { color: var(--c2); }
.verdict.no { color: var(--c1); }
.verdict.open { color: var(--quiet); font-weight: 400; white-space: normal; }
nav { margin: 0 0 16px; display: flex; flex-wrap: wrap; gap: 4px 16px; }
a { color: var(--line); }
@media (max-width: 640px) {
  .claims thead { display: none; }
  .claims tr { display: block; padding: 8px 0; border-bottom: 1px solid var(--grid); }
  .claims td { display: block; border: 0; padding: 1px 0; }
}
</style>
`;

export function renderHtml(report: Report): string {
  const [first, ...others] = report.machines;
  const body = [
    `<header><h1>${escapeHtml(report.title)}</h1>${first ? `<p>${escapeHtml(provenance(first))}<br>level: ${escapeHtml(report.level)}</p>` : "<p>Nothing is measured yet.</p>"}</header>`,
    ...(first ? [renderMachine(first, "")] : []),
    ...others.map(
      (other, at) =>
        `<h2>Also measured on another machine</h2><p>${escapeHtml(provenance(other))}. Nothing above was compared with these figures.</p>${renderMachine(other, `m${at + 2}-`)}`,
    ),
  ];
  return renderPage(report.title, `<main>${body.join("\n")}</main>`, style);
}

function renderMachine({ claims, sections }: MachineReport, prefix: string): string {
  const links = sections.map(({ name, title }) => `<a href="#${prefix}${name}">${escapeHtml(title)}</a>`);
  return [
    claims.length > 0 ? renderClaims(claims) : "",
    `<nav>${links.join("")}</nav>`,
    ...sections.map((section) => renderSection(section, prefix)),
  ].join("\n");
}

function renderClaims(claims: readonly Claim[]): string {
  const css: Readonly<Record<Claim["verdict"], string>> = {
    shown: "yes",
    "not shown": "no",
    "cannot be shown on this machine": "open",
    "not measured": "open",
  };
  const rows = claims.map(
    ({ claim, measured, verdict }) =>
      `<tr><td>${inline(claim)}</td><td>${inline(measured)}</td><td class="verdict ${css[verdict]}">${verdict}</td></tr>`,
  );
  const heads = claimColumns.map((name) => `<th>${name}</th>`);
  return `<section class="card"><table class="claims"><thead><tr>${heads.join("")}</tr></thead><tbody>${rows.join("\n")}</tbody></table></section>`;
}

function renderSection({ name, title, blocks }: SectionReport, prefix: string): string {
  return `<section><h2 id="${prefix}${name}">${escapeHtml(title)}</h2>${blocks.map(renderBlock).join("\n")}</section>`;
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return `<p>${inline(block.text)}</p>`;
    case "table":
      return renderTable(block);
    case "bars":
    case "lines":
      return `<figure><figcaption>${escapeHtml(block.title)}</figcaption>${renderSvg(block)}</figure>`;
    default:
      return block satisfies never;
  }
}

function renderTable({ title, columns, rows }: Table): string {
  const heads = columns.map((column) => `<th>${escapeHtml(column)}</th>`).join("");
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${inline(cell)}</td>`).join("")}</tr>`);
  return `<h3>${escapeHtml(title)}</h3><div class="wide"><table><thead><tr>${heads}</tr></thead><tbody>${body.join("\n")}</tbody></table></div>`;
}

function inline(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}
