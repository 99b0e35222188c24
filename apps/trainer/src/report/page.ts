/** The report as one HTML file: figures, charts, table, configuration. No script, nothing loaded, light and dark. */
import type { EvaluationEvent, MetricDefinition, TrainingEvent } from "@modernbert-ts/training";
import { stringify } from "yaml";
import { formatCount, formatDuration, formatPercent } from "../format.ts";
import { capitalise, formatMetric } from "../metrics.ts";
import type { RunSummary } from "../run-folder.ts";
import { escapeHtml, renderChart } from "./chart.ts";
import { runCharts } from "./run-charts.ts";

export function renderReport(name: string, summary: RunSummary, events: readonly TrainingEvent[]): string {
  const { shape, parameters, backend, config } = summary;
  const size = `${formatCount(parameters)} parameters: ${shape.layers} layers × ${shape.hiddenSize}, ${shape.heads} heads, vocabulary ${formatCount(shape.vocabSize)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(name)}: training report</title>
<style>${style}</style>
</head>
<body>
<main>
<header><h1>${escapeHtml(name)}</h1><p>${escapeHtml(size)}<br>${escapeHtml(backend)}</p></header>
<section class="tiles">${tiles(summary, events).map(renderTile).join("\n")}</section>
<section class="charts">${runCharts(events, summary).map(renderChart).join("\n")}</section>
${evaluationTable(
  events.filter((event) => event.kind === "evaluation"),
  summary.objective.metrics,
)}
<details><summary>Configuration</summary><pre>${escapeHtml(stringify(config))}</pre></details>
</main>
</body>
</html>
`;
}

interface Tile {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
}

function tiles(summary: RunSummary, events: readonly TrainingEvent[]): Tile[] {
  const steps = events.filter((event) => event.kind === "step");
  const last = steps.at(-1);
  const score = events.findLast((event) => event.kind === "evaluation");
  const { baselines, objective, totalTokens } = summary;
  const note = (of: string, format: (value: number) => string): { readonly note?: string } => {
    const baseline = baselines.find((each) => each.of === of);
    return baseline ? { note: `${baseline.name} ${format(baseline.value)}` } : {};
  };
  const median = steps.map(({ tokensPerSecond }) => tokensPerSecond).sort((a, b) => a - b)[steps.length >> 1] ?? 0;
  const packing = steps.reduce((sum, { packingEfficiency }) => sum + packingEfficiency, 0) / Math.max(1, steps.length);
  const held: Tile[] = score
    ? [
        {
          label: "Held-out loss",
          value: score.loss.toFixed(3),
          ...note("loss", (value) => value.toFixed(3)),
        },
        ...objective.metrics.map((metric) => ({
          label: `Held-out ${metric.title}`,
          value: formatMetric(metric, score.metrics[metric.name]!),
          ...note(metric.name, (value) => formatMetric(metric, value)),
        })),
      ]
    : [];
  return [
    ...held,
    {
      label: "Tokens seen",
      value: formatCount(last?.tokens ?? 0),
      note: `of ${formatCount(totalTokens)}, ${last?.step ?? 0} steps`,
    },
    { label: "Tokens per second", value: formatCount(median), note: "median step" },
    { label: "Packing efficiency", value: formatPercent(packing) },
    { label: "Time", value: formatDuration(events.at(-1)?.seconds ?? 0) },
  ];
}

function renderTile({ label, value, note }: Tile): string {
  return `<div class="tile"><span>${escapeHtml(label)}</span><b>${escapeHtml(value)}</b><small>${escapeHtml(note ?? "")}</small></div>`;
}

function evaluationTable(evaluations: readonly EvaluationEvent[], metrics: readonly MetricDefinition[]): string {
  if (evaluations.length === 0) return "";
  const rows = evaluations.map(
    ({ step, tokens, loss, metrics: values, weight }) =>
      `<tr><td>${step}</td><td>${formatCount(tokens)}</td><td>${loss.toFixed(4)}</td>${metrics.map((metric) => `<td>${formatMetric(metric, values[metric.name]!)}</td>`).join("")}<td>${weight}</td></tr>`,
  );
  const heads = metrics.map(({ title }) => `<th>${escapeHtml(capitalise(title))}</th>`).join("");
  return `<details><summary>Held-out scores</summary><table><thead><tr><th>Step</th><th>Tokens</th><th>Loss</th>${heads}<th>Scored</th></tr></thead><tbody>${rows.join("")}</tbody></table></details>`;
}

const style = `
:root { color-scheme: light dark; --page: #f7f7f5; --card: #ffffff; --text: #1c1c1a; --quiet: #6b6b66; --grid: #e6e6e1; --line: #2a6fc9; --faint: #a9c7ee; --dots: #d5541f; }
@media (prefers-color-scheme: dark) { :root { --page: #161615; --card: #1f1f1d; --text: #ecece8; --quiet: #9c9c95; --grid: #33332f; --line: #6ea8f2; --faint: #2f4a6b; --dots: #f08a5b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { margin: 0; font-size: 26px; font-weight: 650; }
header p { margin: 4px 0 24px; color: var(--quiet); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin-bottom: 16px; }
.tile, figure, details { background: var(--card); border: 1px solid var(--grid); border-radius: 8px; }
.tile { padding: 14px 16px; display: flex; flex-direction: column; }
.tile span, .tile small { color: var(--quiet); font-size: 13px; }
.tile b { font-size: 25px; font-weight: 650; line-height: 1.3; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 16px; }
figure { margin: 0; padding: 14px 16px 8px; }
figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 16px; font-weight: 600; margin-bottom: 6px; }
.legend { display: flex; gap: 14px; font-weight: 400; font-size: 13px; color: var(--quiet); }
.key::before { content: ""; display: inline-block; width: 14px; height: 0; border-top: 2px solid var(--line); vertical-align: middle; margin-right: 6px; }
.key.dots::before { border-color: var(--dots); }
.key.reference::before { border-top: 2px dashed var(--quiet); }
svg { display: block; width: 100%; height: auto; }
svg .grid { stroke: var(--grid); stroke-width: 1; }
svg .tick { fill: var(--quiet); font-size: 12px; font-variant-numeric: tabular-nums; }
svg polyline { fill: none; stroke-linejoin: round; stroke-linecap: round; }
svg .raw { stroke: var(--faint); stroke-width: 1; }
svg .line { stroke: var(--line); stroke-width: 2; }
svg .dots { stroke: var(--dots); stroke-width: 2; }
svg .dot { fill: var(--dots); stroke: var(--card); stroke-width: 1.5; }
svg .reference { stroke: var(--quiet); stroke-width: 1.5; stroke-dasharray: 5 5; }
svg .hover { fill: var(--line); opacity: 0; }
svg .hover:hover { opacity: 0.35; }
details { margin-top: 16px; padding: 10px 16px; }
summary { cursor: pointer; font-weight: 600; }
pre { overflow-x: auto; font-size: 13px; }
table { border-collapse: collapse; margin: 10px 0; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--grid); }
th { color: var(--quiet); font-weight: 500; }
`;
