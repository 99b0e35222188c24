/** The page: three views, one worker, and what flows between them. */
import { messageOf } from "./dom.ts";
import { startEngine } from "./engine/client.ts";
import { latest } from "./engine/latest.ts";
import type { DeviceName, FillMaskAnswer, SimilarityAnswer } from "./engine/protocol.ts";
import { createCompareView } from "./views/compare-view.ts";
import { createFillView } from "./views/fill-view.ts";
import { createModelView } from "./views/model-view.ts";

const pause = 120;
const topK = 5;

const parameters = new URLSearchParams(location.search);
const device = deviceName(parameters.get("device"));

const engine = startEngine((progress) => modelView.showProgress(progress));

const fills = latest(
  pause,
  (text: string): Promise<FillMaskAnswer | Error> =>
    engine.call("fillMask", { text, topK }).catch((error: Error) => error),
  (answer) => {
    if (answer instanceof Error) return fillView.showState(messageOf(answer));
    fillView.showAnswer(answer);
    modelView.showCost(answer.cost);
  },
);
const fillView = createFillView((text) => (text === undefined ? fills.cancel() : fills.ask(text)));

const comparisons = latest(
  pause,
  async (texts: readonly string[]): Promise<{ texts: readonly string[]; answer: SimilarityAnswer | Error }> => ({
    texts,
    answer: await engine.call("similarity", { texts }).catch((error: Error) => error),
  }),
  ({ texts, answer }) => {
    if (answer instanceof Error) return compareView.showState(messageOf(answer));
    compareView.showAnswer(texts, answer);
    modelView.showCost(answer.cost);
  },
);
const compareView = createCompareView((texts) => (texts ? comparisons.ask(texts) : comparisons.cancel()));

const modelView = createModelView(async (source) => {
  const report = await engine.call("load", { source, device });
  fillView.showModel(report);
  compareView.showModel();
  return report;
});

const wanted = parameters.get("model");
if (wanted) modelView.loadUrl(wanted);
if (import.meta.env.PROD && "serviceWorker" in navigator) void navigator.serviceWorker.register("./service-worker.js");

function deviceName(text: string | null): DeviceName {
  return text === "webgpu" || text === "cpu" ? text : "auto";
}
