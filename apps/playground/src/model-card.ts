/** The model card: an id, an address, an example, a folder or a drop in; progress, errors and what was loaded out. */
import { modelAddress, modelFiles } from "@modernbert-ts/pipelines/worker";
import type { Cost, ModelReport, ModelSource, Progress } from "@modernbert-ts/pipelines/worker";
import { byId, element, messageOf, setMessage } from "./dom.ts";
import { examples } from "./examples.ts";
import { bytes, count, milliseconds } from "./format.ts";
import { acceptDrops, filesOfDrop, filesOfInput } from "./picked-files.ts";

export interface ModelCard {
  showCost(cost: Cost): void;
  /** Adds a notice of the worker to those that are shown. */
  addNotice(notice: string): void;
  /** Loads what an address names, as the form does. */
  loadAddress(text: string): void;
}

export interface Loading {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** `load` is asked for a model and rejects with what to tell people. */
export function createModelCard(
  load: (source: ModelSource, loading: Loading) => Promise<ModelReport>,
  announce: (text: string) => void,
): ModelCard {
  const address = byId("address", HTMLInputElement);
  const folder = byId("folder", HTMLInputElement);
  const progress = byId("progress", HTMLDivElement);
  const step = byId("step", HTMLLabelElement);
  const bar = byId("bar", HTMLProgressElement);
  const error = byId("error", HTMLParagraphElement);
  const notices = byId("notices", HTMLUListElement);
  let current: AbortController | undefined;

  /** Shows how a load goes; a later one gives it up. */
  async function start(source: () => ModelSource | Promise<ModelSource>): Promise<void> {
    current?.abort();
    const mine = (current = new AbortController());
    setMessage(error, undefined);
    notices.replaceChildren();
    notices.hidden = true;
    showStep("Loading");
    announce("Loading");
    try {
      const report = await load(await source(), { signal: mine.signal, onProgress: showProgress });
      if (mine !== current) return;
      showReport(report);
    } catch (reason) {
      if (mine === current && !mine.signal.aborted) setMessage(error, messageOf(reason));
    } finally {
      if (mine === current) {
        current = undefined;
        progress.hidden = true;
      }
    }
  }

  function showStep(name: string, share?: number): void {
    progress.hidden = false;
    step.textContent = name;
    if (share === undefined) bar.removeAttribute("value");
    else bar.value = Math.min(1, share);
  }

  function showProgress(now: Progress): void {
    if (now.stage !== "file") return showStep(now.stage === "device" ? "Looking for a device" : "Warming up");
    const { file, from, loaded, total, number } = now;
    const verb = { network: "Downloading", cache: "Opening the kept copy of", files: "Reading" }[from];
    const size = `${bytes(loaded)}${total ? ` of ${bytes(total)}` : ""}`;
    showStep(`${verb} ${file}, ${size} (file ${number})`, total && loaded / total);
  }

  function showReport(report: ModelReport): void {
    const { device, layers, hiddenSize, parameters } = report;
    const name = report.name.split("/").at(-1)!;
    fact("model", `${name}, ${layers} layers of ${hiddenSize}, ${count(parameters)} parameters`);
    fact("device", device.name);
    fact("time", "–");
    fact("memory", "–");
    byId("facts", HTMLElement).hidden = false;
    for (const note of device.notes) addNotice(note);
    announce(`${name} is ready`);
  }

  function addNotice(notice: string): void {
    const text = notice.charAt(0).toUpperCase() + notice.slice(1);
    notices.append(element("li", { textContent: /[.!?]$/.test(text) ? text : `${text}.` }));
    notices.hidden = false;
  }

  function loadAddress(text: string): void {
    address.value = text;
    void start(() => {
      const source = modelAddress(text, document.baseURI);
      rememberModel(text);
      return source;
    });
  }

  byId("address-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    if (address.value.trim() === "") address.focus();
    loadAddress(address.value.trim());
  });
  byId("cancel", HTMLButtonElement).addEventListener("click", () => {
    current?.abort();
    current = undefined;
    progress.hidden = true;
    announce("Cancelled");
    address.focus();
  });
  folder.addEventListener("change", () => {
    const files = filesOfInput(folder.files ?? []);
    folder.value = ""; // the same folder can be chosen again
    if (files.size > 0) void start(() => modelFiles(files));
  });
  acceptDrops((transfer) => {
    const files = filesOfDrop(transfer);
    void start(async () => modelFiles(await files));
  });
  const list = byId("examples", HTMLDivElement);
  list.hidden = examples.length === 0;
  list.append(
    ...examples.map(({ folder: path, title, about }) =>
      element(
        "button",
        { type: "button", className: "example", onclick: () => loadAddress(`./examples/${path}`) },
        element("strong", { textContent: title }),
        element("span", { textContent: about }),
      ),
    ),
  );

  return {
    addNotice,
    loadAddress,
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
