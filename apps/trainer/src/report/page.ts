/** The report as one HTML file: figures, charts, table, configuration. No script, nothing loaded, light and dark. */
import type { EvaluationEvent, MetricDefinition } from "@modernbert-ts/training";
import { stringify } from "yaml";
import { formatCount } from "../format.ts";
import { capitalise, formatMetric } from "../metrics.ts";
import type { RunSummary } from "../run-folder.ts";
import type { SampleRecord } from "../samples/samples-file.ts";
import { escapeHtml, renderChart } from "./chart.ts";
import type { History } from "./history.ts";
import { runCharts } from "./run-charts.ts";
import { renderSamples } from "./samples.ts";
import { style } from "./style.ts";
import { renderTiles } from "./tiles.ts";

/** What a report shows. */
export interface Report {
  readonly name: string;
  readonly summary: RunSummary;
  readonly history: History;
  readonly samples: readonly SampleRecord[];
}

export function renderReport(report: Report): string {
  return renderPage(`${report.name}: training report`, `<main>${renderBody(report)}</main>`);
}

/** @param head more of the `<head>`. */
export function renderPage(title: string, body: string, head: string = ""): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
${head}</head>
<body>
${body}
</body>
</html>
`;
}

export function renderBody({ name, summary, history, samples }: Report): string {
  const { shape, parameters, backend, config } = summary;
  const size = `${formatCount(parameters)} parameters: ${shape.layers} layers × ${shape.hiddenSize}, ${shape.heads} heads, vocabulary ${formatCount(shape.vocabSize)}`;
  return `
<header><h1>${escapeHtml(name)}</h1><p>${escapeHtml(size)}<br>${escapeHtml(backend)}</p></header>
<section class="tiles">${renderTiles(summary, history)}</section>
<section class="charts">${runCharts(history, summary).map(renderChart).join("\n")}</section>
${renderSamples(samples)}
${evaluationTable(history.evaluations, summary.objective.metrics)}
<details><summary>Configuration</summary><pre>${escapeHtml(stringify(config))}</pre></details>
`;
}

function evaluationTable(evaluations: readonly EvaluationEvent[], metrics: readonly MetricDefinition[]): string {
  if (evaluations.length === 0) return "";
  const rows = evaluations.map(
    ({ step, tokens, loss, metrics: values, weight }) =>
      `<tr><td>${step}</td><td>${formatCount(tokens)}</td><td>${loss.toFixed(4)}</td>${metrics.map((metric) => `<td>${formatMetric(metric, values[metric.name]!)}</td>`).join("")}<td>${weight}</td></tr>`,
  );
  const heads = metrics.map(({ title }) => `<th>${escapeHtml(capitalise(title))}</th>`).join("");
  return `<details><summary>Held-out scores</summary><div class="wide"><table><thead><tr><th>Step</th><th>Tokens</th><th>Loss</th>${heads}<th>Scored</th></tr></thead><tbody>${rows.join("")}</tbody></table></div></details>`;
}
