/** The page: a model card, tabs, one worker, and what flows between them. */
import { startModelWorker } from "@modernbert-ts/pipelines/worker";
import type { DeviceName, WorkerModel } from "@modernbert-ts/pipelines/worker";
import { byId } from "./dom.ts";
import { createModelCard } from "./model-card.ts";
import { createClassifyTab } from "./tabs/classify.ts";
import { createCompareTab } from "./tabs/compare.ts";
import { createFillTab } from "./tabs/fill.ts";
import { createSearchTab } from "./tabs/search.ts";
import { createTabList } from "./tabs/tab-list.ts";
import type { PageEvents } from "./tabs/tab.ts";
import { createTokensTab } from "./tabs/tokens.ts";

const parameters = new URLSearchParams(location.search);
const status = byId("status", HTMLElement);
const announce = (text: string): void => void (status.textContent = text);
const events: PageEvents = { announce, onCost: (cost) => card.showCost(cost) };

const patience = Number(parameters.get("patience"));
const worker = startModelWorker({
  device: deviceName(parameters.get("device")),
  ...(patience > 0 && { patience: 1000 * patience }),
  onNotice: (notice) => card.addNotice(notice),
});
let current: WorkerModel | undefined;

const tabs = createTabList(byId("tabs", HTMLElement), byId("panels", HTMLElement), [
  createFillTab(events),
  createClassifyTab(events),
  createCompareTab(events),
  createSearchTab(events),
  createTokensTab(events),
]);

const card = createModelCard(async (source, loading) => {
  const model = await worker.open(source, loading);
  tabs.showModel(model);
  byId("work", HTMLElement).hidden = false;
  void current?.close();
  current = model;
  return model.report;
}, announce);

const wanted = parameters.get("model");
if (wanted) card.loadAddress(wanted);
if (import.meta.env.PROD && "serviceWorker" in navigator) void navigator.serviceWorker.register("./service-worker.js");

function deviceName(text: string | null): DeviceName {
  return text === "webgpu" || text === "cpu" ? text : "auto";
}
