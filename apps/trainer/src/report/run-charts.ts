/** The charts of a run: training as a smoothed line over the faint raw one, held-out scores as dots. What a run does not have is left out. */
import { formatCount, formatPercent, formatSmall } from "../format.ts";
import { capitalise, formatMetric } from "../metrics.ts";
import type { RunSummary } from "../run-folder.ts";
import type { Chart, Point, Series } from "./chart.ts";
import type { History, Stretch } from "./history.ts";
import { utilisation } from "./utilisation.ts";

export function runCharts(history: History, summary: RunSummary): Chart[] {
  const { baselines, objective } = summary;
  const { stretches, evaluations } = history;
  const lastTokens = stretches.at(-1)?.tokens ?? 0;
  const of = (value: (stretch: Stretch) => number): Point[] =>
    stretches.map((stretch): Point => [stretch.tokens, value(stretch)]).filter(([, y]) => Number.isFinite(y));
  const levels = (wanted: string): Series[] =>
    baselines
      .filter((baseline) => baseline.of === wanted)
      .map(({ name, value }) => ({
        kind: "reference",
        name,
        points: [
          [0, value],
          [lastTokens, value],
        ],
      }));
  const held = (value: (event: (typeof evaluations)[number]) => number): Series => ({
    kind: "dots",
    name: "held out",
    points: evaluations.map((event) => [event.tokens, value(event)]),
  });
  const tokensPerSecond = of(({ secondsPerToken }) => 1 / secondsPerToken);
  const learningRate: Series = { kind: "line", name: "learning rate", points: of((stretch) => stretch.learningRate) };
  const losses = [...training(of(({ loss }) => loss)), held(({ loss }) => loss), ...levels("loss")];
  const sources = sourceSeries(evaluations);
  return [
    chart(`Loss (${objective.lossUnit})`, digitsFor(losses), losses),
    ...objective.metrics.map((metric) => {
      const own = [
        ...(stretches[0]?.metrics[metric.name] === undefined
          ? []
          : training(of(({ metrics }) => metrics[metric.name]!))),
        held(({ metrics }) => metrics[metric.name]!),
      ];
      return chart(
        capitalise(metric.title),
        (value) => formatMetric(metric, value),
        [...own, ...levels(metric.name)],
        0,
      );
    }),
    chart("Held-out loss by source", digitsFor(sources), sources),
    chart("Learning rate", formatSmall, [learningRate], 0),
    chart("Tokens per second", formatCount, training(tokensPerSecond, "tokens per second"), 0),
    chart(
      "Model FLOPs utilisation",
      formatPercent,
      training(
        of((part) => utilisation(part, summary)),
        "MFU",
      ),
      0,
    ),
    chart(
      "Packing efficiency",
      formatPercent,
      training(
        of((part) => part.packingEfficiency),
        "packing",
      ),
      0.9,
      1,
    ),
    chart(
      "Gradient norm",
      formatSmall,
      training(
        of(({ gradientNorm }) => gradientNorm),
        "gradient norm",
      ),
      0,
    ),
    chart(
      "Scored share of tokens (mask rate)",
      formatPercent,
      training(
        of((part) => part.scoredShare),
        "scored",
      ),
      0,
    ),
  ];
}

/** As many digits as tell the values of a chart apart. */
function digitsFor(series: readonly Series[]): (value: number) => string {
  const values = series.flatMap(({ points }) => points.map(([, y]) => y));
  const spread = values.reduce((a, b) => Math.max(a, b), -Infinity) - values.reduce((a, b) => Math.min(a, b), Infinity);
  const digits = Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(spread))));
  return (value) => value.toFixed(Number.isFinite(digits) ? digits : 2);
}

/** A line for each source, in the order of their names. */
function sourceSeries(evaluations: History["evaluations"]): Series[] {
  const names = [...new Set(evaluations.flatMap(({ sources = {} }) => Object.keys(sources)))].sort();
  return names.map((name, colour) => ({
    kind: "dots",
    name,
    colour,
    points: evaluations.flatMap(({ tokens, sources = {} }): Point[] =>
      name in sources ? [[tokens, sources[name]!]] : [],
    ),
  }));
}

/** Over the tokens seen; `include`: what the vertical axis must reach. */
function chart(title: string, formatY: Chart["formatY"], series: readonly Series[], ...include: number[]): Chart {
  return { title, formatX: formatCount, formatY, series, include };
}

function training(points: readonly Point[], name: string = "training"): Series[] {
  return [
    { kind: "raw", name, points },
    { kind: "line", name, points: smooth(points) },
  ];
}

/** Centred mean over about a twentieth of the points: no lag, unlike a running average. */
function smooth(points: readonly Point[]): Point[] {
  const reach = Math.floor(points.length / 40);
  return points.map(([x], at) => {
    const half = Math.min(reach, at, points.length - 1 - at);
    const near = points.slice(at - half, at + half + 1);
    return [x, near.reduce((sum, [, y]) => sum + y, 0) / near.length];
  });
}
