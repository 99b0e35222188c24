/** Reports as text: nothing is lost, nothing is taken for mark-up, drawings are to scale. */
import { expect, test } from "vitest";
import type { BarChart, Block } from "../src/report/block.ts";
import { figure } from "../src/report/figure.ts";
import { renderHtml } from "../src/report/html.ts";
import { renderMarkdown } from "../src/report/markdown.ts";
import type { Report } from "../src/report/report.ts";
import { renderSvg } from "../src/report/svg.ts";
import { meanSpread, medianSpread, spreadText } from "../src/sections/spread.ts";
import { machine } from "./support/fake.ts";

const bars: BarChart = {
  kind: "bars",
  title: "Speed <b>",
  unit: "tokens per second",
  groups: ["short", "long\n(two lines)"],
  series: [
    { name: "A & B", values: [{ value: 50, low: 40, high: 60 }, { value: 100 }] },
    { name: "C", values: [{ value: 25 }, undefined], colour: 5 },
  ],
};

const blocks: readonly Block[] = [
  { kind: "paragraph", text: "Pairs `a<b` are & remain." },
  { kind: "table", title: "T", columns: ["x", "y"], rows: [["a|b", "1"]] },
  bars,
  {
    kind: "lines",
    title: "L",
    unit: "y",
    xUnit: "x",
    xScale: "log2",
    series: [
      {
        name: "l",
        points: [
          { x: 1, value: 1 },
          { x: 8, value: 4 },
        ],
      },
    ],
  },
];

const report: Report = {
  title: "BERT beside ModernBERT",
  level: "quick",
  machines: [
    {
      machine,
      node: "20.20.2",
      dates: ["2026-01-02", "2026-01-03"],
      seconds: 61,
      claims: [{ claim: "Fast", measured: "2 ×", verdict: "shown" }],
      sections: [{ name: "speed", title: "Speed", blocks }],
    },
  ],
};

/** Names of elements that are opened and not closed, or closed and not opened. */
function unbalanced(markup: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, closing, name, own] of markup.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*?(\/?)>/gi)) {
    if (own || ["meta", "br"].includes(name!)) continue;
    if (!closing) open.push(name!);
    else if (open.pop() !== name) wrong.push(name!);
  }
  return [...wrong, ...open];
}

test("HTML stands alone, is balanced and escapes what it is given", () => {
  const html = renderHtml(report);
  expect(unbalanced(html)).toEqual([]);
  expect(html).not.toMatch(/<script|src=|href="http|@import/);
  expect(html).not.toContain("<b>");
  expect(html).toContain("<code>a&#60;b</code>");
  expect(html).toContain("prefers-color-scheme: dark");
});

test("Markdown links the pictures that it has, and keeps cells apart", () => {
  const { text, pictures } = renderMarkdown(report, "pictures");
  const linked = [...text.matchAll(/\(pictures\/([^)]+)\)/g)].map(([, name]) => name);
  expect(linked).toEqual([...pictures.keys()]);
  expect(pictures.size).toBe(2);
  expect(text).toContain(String.raw`| a\|b | 1 |`);
});

test("bars are as tall as their values, and missing ones are not drawn", () => {
  const svg = renderSvg(bars);
  expect(unbalanced(svg)).toEqual([]);
  const heights = [...svg.matchAll(/<rect class="f\d"[^>]* height="([\d.]+)"><title>/g)].map(([, tall]) =>
    Number(tall),
  );
  expect(heights).toHaveLength(3);
  const [first, second, third] = heights as [number, number, number];
  expect(first / third).toBeCloseTo(0.5, 1);
  expect(second / third).toBeCloseTo(0.25, 1);
  expect(svg.match(/class="spread"/g)).toHaveLength(1);
  expect(svg).toContain('class="f5"');
});

test("a chart without values says so", () => {
  expect(renderSvg({ ...bars, groups: [], series: [] })).toContain("nothing measured yet");
});

test("figures have three digits that count, and a spread ends where its middle does", () => {
  expect([0, 0.01234, 1.5, 123.4, 15_432].map((value) => figure(value))).toEqual([
    "0",
    "0.0123",
    "1.50",
    "123",
    "15,432",
  ]);
  expect(spreadText({ value: 1.09, low: 1.05, high: 1.1774 })).toBe("1.09 ± 0.09");
  expect(medianSpread([4, 1, 3, 2, 100])).toEqual({ value: 3, low: 2, high: 4 });
  expect(meanSpread([1, 3])).toEqual({ value: 2, low: 2 - Math.SQRT2, high: 2 + Math.SQRT2 });
  expect(meanSpread([7])).toEqual({ value: 7 });
});
