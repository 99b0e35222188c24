/** What other reports draw with: pages in the looks of the training report, axes, safe text. */
export { escapeHtml } from "./chart.ts";
export { renderPage } from "./page.ts";
export { linearScale } from "./scale.ts";
export type { Scale } from "./scale.ts";
