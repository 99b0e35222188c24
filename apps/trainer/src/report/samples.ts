/** What the model put in the place of masks in chosen texts, from the first evaluation to the last: a table for each text. */
import { formatCount, formatPercent } from "../format.ts";
import type { Sample, SampleRecord } from "../samples/samples-file.ts";
import { escapeHtml } from "./chart.ts";

/** Rows of a table: the first, the last and some between. */
const most = 6;

export function renderSamples(records: readonly SampleRecord[]): string {
  const last = records.at(-1);
  if (!last) return "";
  const rows = spread(records);
  const tables = last.samples.map(({ text }) => {
    const own = rows.flatMap((record) => {
      const sample = record.samples.find((each) => each.text === text);
      return sample ? [row(record, sample)] : [];
    });
    return `<h3>${escapeHtml(text)}</h3><div class="wide"><table class="samples"><thead><tr><th>Tokens seen</th><th>Most likely</th></tr></thead><tbody>${own.join("")}</tbody></table></div>`;
  });
  return `<section class="card"><h2>Predictions</h2>${tables.join("\n")}</section>`;
}

function row({ tokens }: SampleRecord, { masks }: Sample): string {
  const lists = masks.map((ranked) =>
    ranked
      .map(
        ({ token, score }) =>
          `<span class="word"><b>${escapeHtml(token.trim() || "␣")}</b> ${formatPercent(score)}</span>`,
      )
      .join(" "),
  );
  return `<tr><td>${formatCount(tokens)}</td><td>${lists.join("<br>")}</td></tr>`;
}

function spread<T>(items: readonly T[]): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, at) => items[Math.round((at * (items.length - 1)) / (most - 1))]!);
}
