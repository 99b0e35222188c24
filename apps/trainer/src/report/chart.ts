/** A line chart as inline SVG without any script: thin lines, quiet grid, numbers on hover through `<title>`. */
import { linearScale } from "./scale.ts";
import type { Scale } from "./scale.ts";

export type Point = readonly [x: number, y: number];

/** `raw`: faint, what was measured; `line`: the message; `dots`: few exact values; `reference`: a dashed level. */
export interface Series {
  readonly kind: "raw" | "line" | "dots" | "reference";
  readonly name: string;
  readonly points: readonly Point[];
  /** Of lines that stand for things of one kind: their number, from 0. */
  readonly colour?: number;
}

export interface Chart {
  readonly title: string;
  readonly series: readonly Series[];
  readonly formatX: (value: number) => string;
  readonly formatY: (value: number) => string;
  /** What the vertical axis must include, such as 0. */
  readonly include?: readonly number[];
}

const width = 560;
const height = 250;
const margin = { left: 60, right: 20, top: 10, bottom: 28 };

/** One `<figure>`: title, legend where there is more than one series, drawing. */
export function renderChart(chart: Chart): string {
  const series = chart.series.filter(({ points }) => points.length > 0);
  const points = series.flatMap(({ points: own }) => own);
  if (points.length === 0) return "";
  const values = [...points.map(([, y]) => y), ...(chart.include ?? [])];
  const xs = linearScale([0, ...points.map(([x]) => x)], [margin.left, width - margin.right], 5, true);
  const ys = linearScale(values, [height - margin.bottom, margin.top], 4);
  const named = series.filter(({ kind }) => kind !== "raw");
  const legend =
    named.length < 2
      ? ""
      : named.map((one) => `<span class="key ${classOf(one)}">${escapeHtml(one.name)}</span>`).join("");
  return [
    `<figure><figcaption>${escapeHtml(chart.title)}<span class="legend">${legend}</span></figcaption>`,
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(chart.title)}">`,
    grid(xs, ys, chart),
    ...series.map((one) => draw(one, xs, ys, chart)),
    `</svg></figure>`,
  ].join("\n");
}

function grid(xs: Scale, ys: Scale, { formatX, formatY }: Chart): string {
  const rows = ys.ticks.map((tick) => {
    const y = round(ys.at(tick));
    return `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y}" y2="${y}"/><text class="tick" x="${margin.left - 8}" y="${y + 4}" text-anchor="end">${formatY(tick)}</text>`;
  });
  const columns = xs.ticks.map(
    (tick) =>
      `<text class="tick" x="${round(xs.at(tick))}" y="${height - 8}" text-anchor="middle">${formatX(tick)}</text>`,
  );
  return [...rows, ...columns].join("\n");
}

/** Of its line and its key; eight colours, then again. */
function classOf({ kind, colour }: Series): string {
  return colour === undefined ? kind : `${kind} c${colour % 8}`;
}

function draw(series: Series, xs: Scale, ys: Scale, { formatX, formatY }: Chart): string {
  const { kind, name, points } = series;
  const title = ([x, y]: Point): string => `<title>${escapeHtml(name)} at ${formatX(x)}: ${formatY(y)}</title>`;
  const circle = (point: Point, css: string, radius: number): string =>
    `<circle class="${css}" cx="${round(xs.at(point[0]))}" cy="${round(ys.at(point[1]))}" r="${radius}">${title(point)}</circle>`;
  switch (kind) {
    case "dots":
      return `${path(points, xs, ys, classOf(series))}${points.map((point) => circle(point, classOf(series).replace("dots", "dot"), 4)).join("")}`;
    case "line":
      return path(points, xs, ys, "line") + points.map((point) => circle(point, "hover", 7)).join("");
    case "raw":
    case "reference":
      return path(points, xs, ys, kind);
    default:
      return kind satisfies never;
  }
}

function path(points: readonly Point[], xs: Scale, ys: Scale, css: string): string {
  const finite = points.filter(([, y]) => Number.isFinite(y));
  return `<polyline class="${css}" points="${finite.map(([x, y]) => `${round(xs.at(x))},${round(ys.at(y))}`).join(" ")}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
