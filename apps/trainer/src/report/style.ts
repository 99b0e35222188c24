/** The looks of the report, light and dark. */

/** Of lines that stand for things of one kind, such as sources. */
const colours = Array.from(
  { length: 8 },
  (_, at) =>
    `svg polyline.c${at} { stroke: var(--c${at}); } svg .dot.c${at} { fill: var(--c${at}); } .key.c${at}::before { border-color: var(--c${at}); }`,
).join("\n");

export const style: string = `
:root { color-scheme: light dark; --page: #f7f7f5; --card: #ffffff; --text: #1c1c1a; --quiet: #6b6b66; --grid: #e6e6e1; --line: #2a6fc9; --faint: #a9c7ee; --dots: #d5541f; --c0: #2a6fc9; --c1: #d5541f; --c2: #2e8b57; --c3: #8a5bc4; --c4: #b8860b; --c5: #c2417c; --c6: #1f8a94; --c7: #6b6b66; }
@media (prefers-color-scheme: dark) { :root { --page: #161615; --card: #1f1f1d; --text: #ecece8; --quiet: #9c9c95; --grid: #33332f; --line: #6ea8f2; --faint: #2f4a6b; --dots: #f08a5b; --c0: #6ea8f2; --c1: #f08a5b; --c2: #6cc598; --c3: #b796ea; --c4: #dcb35c; --c5: #e98bb5; --c6: #66c2cc; --c7: #9c9c95; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { margin: 0; font-size: 26px; font-weight: 650; }
header p { margin: 4px 0 24px; color: var(--quiet); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-bottom: 16px; }
.tile, figure, details, .card { background: var(--card); border: 1px solid var(--grid); border-radius: 8px; }
.tile { padding: 14px 16px; display: flex; flex-direction: column; }
.tile span, .tile small { color: var(--quiet); font-size: 13px; }
.tile b { font-size: 25px; font-weight: 650; line-height: 1.3; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 16px; }
figure { margin: 0; padding: 14px 16px 8px; }
figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 16px; font-weight: 600; margin-bottom: 6px; }
.legend { display: flex; flex-wrap: wrap; gap: 0 14px; font-weight: 400; font-size: 13px; color: var(--quiet); }
.key { white-space: nowrap; }
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
${colours}
svg .reference { stroke: var(--quiet); stroke-width: 1.5; stroke-dasharray: 5 5; }
svg .hover { fill: var(--line); opacity: 0; }
svg .hover:hover { opacity: 0.35; }
details { margin-top: 16px; padding: 10px 16px; }
summary { cursor: pointer; font-weight: 600; }
pre { overflow-x: auto; font-size: 13px; }
.card { margin-top: 16px; padding: 14px 16px; }
h2 { margin: 0; font-size: 15px; font-weight: 600; }
h3 { margin: 12px 0 0; font-size: 15px; font-weight: 500; }
.wide { overflow-x: auto; }
.samples td, .samples th { text-align: left; vertical-align: top; }
.word { display: inline-block; margin-right: 12px; color: var(--quiet); }
.word b { color: var(--text); font-weight: 600; }
#state { color: var(--quiet); margin: 0 0 12px; }
table { border-collapse: collapse; margin: 10px 0; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--grid); }
th { color: var(--quiet); font-weight: 500; }
`;
