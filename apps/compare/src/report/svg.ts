/** Drawings of charts: pure functions of their data, with a style of their own, so that they look the same in a page and as files. */
import { escapeHtml, linearScale } from "@modernbert-ts/trainer/charts";
import type { Scale } from "@modernbert-ts/trainer/charts";
import type { BarChart, Chart, LineChart, Spread } from "./block.ts";

const width = 720;
const height = 320;
const left = 64;
const right = 16;
const top = 12;
/** Of one row of the legend, and of the labels of the axis below. */
const row = 20;
const letter = 6.8;

const light = ["#2a6fc9", "#d5541f", "#2e8b57", "#8a5bc4", "#b8860b", "#c2417c", "#1f8a94", "#6b6b66"];
const dark = ["#6ea8f2", "#f08a5b", "#6cc598", "#b796ea", "#dcb35c", "#e98bb5", "#66c2cc", "#9c9c95"];
const colours = (of: readonly string[]): string =>
  of.map((colour, at) => `.f${at}{fill:${colour}}.s${at}{stroke:${colour}}`).join("");

/** Classes have a prefix, because styles of drawings reach the whole page that they stand in. */
const style = `<style>.mb text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#6b6b66}.mb .grid{stroke:#e6e6e1}.mb .spread{stroke:#1c1c1a;stroke-width:1.2}.mb polyline{fill:none;stroke-width:2;stroke-linejoin:round}${scoped(light)}@media(prefers-color-scheme:dark){.mb text{fill:#9c9c95}.mb .grid{stroke:#33332f}.mb .spread{stroke:#ecece8}${scoped(dark)}}</style>`;

function scoped(of: readonly string[]): string {
  return colours(of).replaceAll(/\.(?=[fs]\d)/g, ".mb .");
}

/** One `<svg>` element, complete as a file. Without anything to draw it says so. */
export function renderSvg(chart: Chart): string {
  const legend = layLegend(chart.series.map(({ name }) => name));
  const bottom = height - row * rowsBelow(chart) - 8;
  const body = chart.kind === "bars" ? bars(chart, bottom) : lines(chart, bottom);
  const total = height + legend.rows * row;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="mb" viewBox="0 0 ${width} ${total}" role="img" aria-label="${escapeHtml(chart.title)}">`,
    style,
    `<g transform="translate(0 ${legend.rows * row})">${body}</g>`,
    legend.svg,
    `</svg>`,
  ].join("\n");
}

/** How many rows of text the axis below has. */
function rowsBelow(chart: Chart): number {
  return chart.kind === "lines" ? 2 : Math.max(1, ...chart.groups.map((group) => group.split("\n").length));
}

function layLegend(names: readonly string[]): { readonly rows: number; readonly svg: string } {
  if (names.length < 2) return { rows: 0, svg: "" };
  let [x, rows] = [left, 0];
  const keys = names.map((name, at) => {
    const wide = 22 + name.length * letter + 14;
    if (x + wide > width && x > left) [x, rows] = [left, rows + 1];
    const key = `<rect class="f${at % 8}" x="${x}" y="${rows * row + 5}" width="12" height="12" rx="2"/><text x="${x + 18}" y="${rows * row + 15}">${escapeHtml(name)}</text>`;
    x += wide;
    return key;
  });
  return { rows: rows + 1, svg: keys.join("") };
}

function bars({ groups, series, unit }: BarChart, bottom: number): string {
  const spreads = series.flatMap(({ values }) => values.flatMap((each) => each ?? []));
  if (spreads.length === 0) return nothing;
  const ys = linearScale([0, ...spreads.flatMap(ends)], [bottom, top], 5);
  const space = (width - left - right) / groups.length;
  const wide = Math.min(48, (space * 0.8) / series.length);
  const zero = ys.at(0);
  const drawn = groups.map((group, at) => {
    const middle = left + space * (at + 0.5);
    const own = series.map(({ name, values }, number) => {
      const value = values[at];
      if (!value) return "";
      const x = middle + (number - series.length / 2) * wide;
      const y = ys.at(value.value);
      const tall = Math.max(0.5, Math.abs(zero - y));
      return `<rect class="f${number % 8}" x="${round(x + 1)}" y="${round(Math.min(y, zero))}" width="${round(wide - 2)}" height="${round(tall)}"><title>${escapeHtml(`${name}, ${group}: ${figure(value.value)} ${unit}`)}</title></rect>${whisker(x + wide / 2, value, ys)}`;
    });
    const labels = group.split("\n").map((line, of) => label(middle, bottom + 16 + of * row, line));
    return [...own, ...labels].join("");
  });
  return grid(ys, unit) + drawn.join("\n");
}

function lines({ series, unit, xUnit, xScale = "linear" }: LineChart, bottom: number): string {
  const points = series.flatMap((each) => each.points);
  if (points.length === 0) return nothing;
  const at = (x: number): number => (xScale === "log2" ? Math.log2(x) : x);
  const ys = linearScale([0, ...points.flatMap(ends)], [bottom, top], 5);
  const xs = linearScale(
    points.map(({ x }) => at(x)),
    [left + 10, width - right - 10],
    6,
    true,
  );
  const own = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const ticks = own.length <= 8 ? own : xs.ticks.map((tick) => (xScale === "log2" ? 2 ** tick : tick));
  const drawn = series.map(({ name, points: each }, number) => {
    const place = each.map((point) => [round(xs.at(at(point.x))), round(ys.at(point.value))] as const);
    const dots = each.map(
      (point, n) =>
        `${whisker(place[n]![0], point, ys)}<circle class="f${number % 8}" cx="${place[n]![0]}" cy="${place[n]![1]}" r="3.5"><title>${escapeHtml(`${name} at ${figure(point.x)} ${xUnit}: ${figure(point.value)} ${unit}`)}</title></circle>`,
    );
    return `<polyline class="s${number % 8}" points="${place.map((xy) => xy.join(",")).join(" ")}"/>${dots.join("")}`;
  });
  const below = ticks.map((x) => label(xs.at(at(x)), bottom + 16, figure(x)));
  return grid(ys, unit) + drawn.join("\n") + below.join("") + label((left + width - right) / 2, bottom + 36, xUnit);
}

const nothing = `<text x="${width / 2}" y="${height / 2}" text-anchor="middle">nothing measured yet</text>`;

function grid(ys: Scale, unit: string): string {
  const rows = ys.ticks.map((tick) => {
    const y = round(ys.at(tick));
    return `<line class="grid" x1="${left}" x2="${width - right}" y1="${y}" y2="${y}"/><text x="${left - 8}" y="${y + 4}" text-anchor="end">${figure(tick)}</text>`;
  });
  const middle = (ys.at(ys.ticks[0]!) + top) / 2;
  return `${rows.join("")}<text x="12" y="${round(middle)}" text-anchor="middle" transform="rotate(-90 12 ${round(middle)})">${escapeHtml(unit)}</text>`;
}

function whisker(x: number, { low, high }: Spread, ys: Scale): string {
  if (low === undefined || high === undefined) return "";
  const [from, to] = [round(ys.at(low)), round(ys.at(high))];
  const cap = (y: number): string => `M${round(x - 3)} ${y}H${round(x + 3)}`;
  return `<path class="spread" d="M${round(x)} ${from}V${to}${cap(from)}${cap(to)}"/>`;
}

function label(x: number, y: number, text: string): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="middle">${escapeHtml(text)}</text>`;
}

function ends({ value, low = value, high = value }: Spread): number[] {
  return [value, low, high];
}

/** Three significant figures, thousands grouped. */
export function figure(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return Number(value.toFixed(Math.min(digits, 6))).toLocaleString("en-US", { maximumFractionDigits: 6 });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
