/** The dashboard of a run: collects its events and draws its report when somebody asks. */
import { basename, join, resolve } from "node:path";
import { readMetrics } from "@modernbert-ts/training";
import type { TrainingEvent } from "@modernbert-ts/training";
import { History } from "../report/history.ts";
import { renderBody, renderPage } from "../report/page.ts";
import { readRunSummary, runLayout } from "../run-folder.ts";
import type { RunSummary } from "../run-folder.ts";
import { readSamples } from "../samples/samples-file.ts";
import { escapeHtml } from "../report/chart.ts";
import { openDashboard } from "./server.ts";
import type { Dashboard } from "./server.ts";

export interface RunDashboard extends Dashboard {
  /** From here on the run has a summary, and a metrics file that holds what counts of it so far. */
  begin(): void;
  onEvent(event: TrainingEvent): void;
}

/** @throws UserError when the address cannot be had. */
export async function openRunDashboard(
  output: string,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<RunDashboard> {
  const name = basename(resolve(output));
  let summary: RunSummary | undefined;
  let history = new History();
  let changed = true;
  let drawn = "";
  const body = (): string => {
    if (!changed) return drawn;
    changed = false;
    drawn = summary
      ? renderBody({ name, summary, history, samples: readSamples(join(output, runLayout.samples)) })
      : `<header><h1>${escapeHtml(name)}</h1><p>Starting.</p></header>`;
    return drawn;
  };
  const page = (): string =>
    renderPage(
      `${name}: training`,
      `<p id="state"></p><main>${body()}</main>`,
      '<script src="/live.js" defer></script>\n',
    );
  const dashboard = await openDashboard({ host, port, page, body });
  return {
    url: dashboard.url,
    begin() {
      summary = readRunSummary(output);
      history = new History(readMetrics(join(output, runLayout.metrics)));
      changed = true;
    },
    onEvent(event) {
      history.add(event);
      changed = true;
    },
    [Symbol.asyncDispose]: () => dashboard[Symbol.asyncDispose](),
  };
}

/** `8080`, `0.0.0.0:8080` or `[::1]:8080`; undefined for anything else. */
export function parseAddress(text: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, digits] = /^(?:(?:\[([\da-f:]+)\]|([\w.-]+)):)?(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits ?? Number.NaN);
  return port <= 65_535 ? { host: bracketed ?? plain ?? "127.0.0.1", port } : undefined;
}
