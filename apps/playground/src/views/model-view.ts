/** The model card: an address, a folder or a drop in; progress, errors and what was loaded out. */
import { byId, messageOf, setMessage } from "../dom.ts";
import type { Cost, ModelReport } from "../engine/protocol.ts";
import type { ModelSource, Progress } from "../source/source.ts";
import { bytes, count, milliseconds } from "../format.ts";
import { modelUrl } from "../source/model-url.ts";
import { filesOfDrop, filesOfInput, modelSource } from "../source/picked-files.ts";

export interface ModelView {
  showProgress(progress: Progress): void;
  showCost(cost: Cost): void;
  /** Loads what an address names, as the form does. */
  loadUrl(text: string): void;
}

/** `load` is asked for a model and rejects with what to tell people. */
export function createModelView(load: (source: ModelSource) => Promise<ModelReport>): ModelView {
  const url = byId("url", HTMLInputElement);
  const folder = byId("folder", HTMLInputElement);
  const progress = byId("progress", HTMLDivElement);
  const step = byId("step", HTMLLabelElement);
  const bar = byId("bar", HTMLProgressElement);
  const error = byId("error", HTMLParagraphElement);
  const notice = byId("notice", HTMLParagraphElement);
  let loads = 0;

  /** Shows how a load goes; the latest one has the card. */
  async function start(source: () => ModelSource | Promise<ModelSource>): Promise<void> {
    const mine = ++loads;
    setMessage(error, undefined);
    showProgress({ step: "Loading" });
    try {
      const report = await load(await source());
      if (mine !== loads) return;
      setMessage(notice, noticeOf(report));
      fact(
        "model",
        `${report.name.split("/").at(-1)}, ${report.layers} layers of ${report.hiddenSize}, ${count(report.parameters)} parameters`,
      );
      fact("device", report.device.name);
      byId("facts", HTMLElement).hidden = false;
    } catch (reason) {
      if (mine === loads) setMessage(error, messageOf(reason));
    } finally {
      if (mine === loads) progress.hidden = true;
    }
  }

  function showProgress({ step: name, loaded, total }: Progress): void {
    progress.hidden = false;
    step.textContent = loaded === undefined ? name : `${name}, ${bytes(loaded)}${total ? ` of ${bytes(total)}` : ""}`;
    if (loaded !== undefined && total !== undefined) bar.value = Math.min(1, loaded / total);
    else bar.removeAttribute("value");
  }

  function loadUrl(text: string): void {
    url.value = text;
    void start(() => {
      const source = { kind: "url", url: modelUrl(text, document.baseURI) } as const;
      rememberModel(text);
      return source;
    });
  }

  byId("url-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    if (url.value.trim() === "") url.focus();
    else loadUrl(url.value.trim());
  });
  folder.addEventListener("change", () => {
    const files = filesOfInput(folder.files ?? []);
    folder.value = ""; // the same folder can be chosen again
    if (files.size > 0) void start(() => modelSource(files));
  });
  acceptDrops((transfer) => {
    const files = filesOfDrop(transfer);
    void start(async () => modelSource(await files));
  });

  return {
    showProgress,
    loadUrl,
    showCost({ milliseconds: time, tokens, memory }) {
      fact("time", milliseconds(time / tokens));
      fact("memory", bytes(memory));
    },
  };
}

function fact(name: "model" | "device" | "time" | "memory", text: string): void {
  byId(`fact-${name}`, HTMLElement).textContent = text;
}

/** Puts a model into the page's address, so that it can be shared and opened again. */
function rememberModel(text: string): void {
  const address = new URL(location.href);
  address.searchParams.set("model", text);
  history.replaceState(null, "", address);
}

/** What a person should know of a loaded model; undefined when all is as hoped. */
function noticeOf({ device, mask, head }: ModelReport): string | undefined {
  const notices = [
    device.fallback && `Running on the CPU: ${device.fallback}.`,
    mask === undefined && `This model cannot fill masks (its head is ${head}); it can compare texts.`,
  ];
  return notices.filter(Boolean).join(" ") || undefined;
}

function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes("Files") === true;
}

/** The whole page takes a folder that is dragged onto it. */
function acceptDrops(onDrop: (transfer: DataTransfer) => void): void {
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) document.body.classList.remove("dragging");
  });
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("dragging");
    if (!hasFiles(event)) return;
    event.preventDefault();
    onDrop(event.dataTransfer!);
  });
}
