/** The figures at the top of the report. */
import { formatCount, formatDuration, formatPercent } from "../format.ts";
import { formatMetric } from "../metrics.ts";
import type { RunSummary } from "../run-folder.ts";
import { escapeHtml } from "./chart.ts";
import type { History } from "./history.ts";
import { utilisation } from "./utilisation.ts";

interface Tile {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
}

export function renderTiles(summary: RunSummary, history: History): string {
  return tiles(summary, history).map(renderTile).join("\n");
}

function tiles(summary: RunSummary, history: History): Tile[] {
  const { stretches } = history;
  const last = stretches.at(-1);
  const score = history.evaluations.at(-1);
  const { baselines, objective, totalTokens, halvedMicroBatch: halved } = summary;
  const note = (of: string, format: (value: number) => string): { readonly note?: string } => {
    const baseline = baselines.find((each) => each.of === of);
    return baseline ? { note: `${baseline.name} ${format(baseline.value)}` } : {};
  };
  const secondsPerToken = median(stretches.map((stretch) => stretch.secondsPerToken));
  const scoredShare = median(stretches.map((stretch) => stretch.scoredShare));
  const used = utilisation({ tokens: last?.tokens ?? 0, secondsPerToken, scoredShare }, summary);
  const steps = stretches.reduce((sum, stretch) => sum + stretch.steps, 0);
  const packing = stretches.reduce((sum, stretch) => sum + stretch.packingEfficiency * stretch.steps, 0) / steps;
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
    { label: "Tokens per second", value: formatCount(1 / secondsPerToken), note: "median" },
    ...(Number.isFinite(used)
      ? [
          {
            label: "FLOPs utilisation",
            value: formatPercent(used),
            note: `of ${formatCount(summary.peakFlops!)}FLOPS`,
          },
        ]
      : []),
    { label: "Packing efficiency", value: formatPercent(packing) },
    ...(halved
      ? [
          {
            label: "Micro-batch",
            value: formatCount(halved.to),
            note: `halved from ${formatCount(halved.from)}: no memory`,
          },
        ]
      : []),
    { label: "Time", value: formatDuration(history.seconds) },
  ];
}

function renderTile({ label, value, note }: Tile): string {
  return `<div class="tile"><span>${escapeHtml(label)}</span><b>${escapeHtml(value)}</b><small>${escapeHtml(note ?? "")}</small></div>`;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
