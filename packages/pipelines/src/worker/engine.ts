/** One device and the models on it: what the worker's operations do. Models are opened side by side, tasks run one at a time. */
import { packSequences } from "@modernbert-ts/encoder";
import { DeviceLostError, Runtime, TensorError } from "@modernbert-ts/tensor-core";
import { eachOnce } from "../notices.ts";
import { fillMask } from "../tasks/fill-mask.ts";
import { taskNamesFor, taskOf } from "../tasks/registry.ts";
import { runTask } from "../tasks/run-task.ts";
import type { Task } from "../tasks/task.ts";
import { openTextModel } from "../text-model.ts";
import type { TextModel } from "../text-model.ts";
import { openDevice } from "./device.ts";
import type { OpenDevice } from "./device.ts";
import type { ModelReport, Operations, TokenView, WorkerSettings } from "./protocol.ts";
import { openKeptFiles } from "./source/kept-files.ts";
import type { KeptFiles } from "./source/kept-files.ts";
import { openSource } from "./source/open-source.ts";
import type { Progress } from "./source/source.ts";

export interface CallContext {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

export type Engine = {
  readonly [Name in keyof Operations]: (
    argument: Operations[Name]["argument"],
    context: CallContext,
  ) => Promise<Operations[Name]["result"]>;
};

type Device = OpenDevice & { readonly runtime: Runtime };

/** A cancelled task still ends the pack that it is at: on a CPU packs are small. */
const packTokens = { cpu: 1024, webgpu: 8192 } as const;

export function createEngine(settings: WorkerSettings, onNotice: (notice: string) => void): Engine {
  const { hub = "https://huggingface.co", keepBytes = 4e9, patience = 30_000 } = settings;
  const models = new Map<number, TextModel>();
  let device: Promise<Device> | undefined;
  let kept: Promise<KeptFiles> | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let lastModel = 0;

  async function newDevice(): Promise<Device> {
    const open = await openDevice(settings.device ?? "auto");
    return { ...open, runtime: new Runtime(open.backend) };
  }

  const keptFiles = (): Promise<KeptFiles> => (kept ??= openKeptFiles(keepBytes, onNotice));

  /** Work on the device, after what was asked before; a device that is lost takes its models with it. */
  function inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const mine = turn.then(async () => {
      signal.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof DeviceLostError)) throw error;
        device = undefined;
        models.clear();
        throw new DeviceLostError("worker", "the GPU was lost: open the model again", { cause: error });
      }
    });
    turn = mine.catch(() => {});
    return mine;
  }

  function opened(model: number): TextModel {
    const found = models.get(model);
    if (found) return found;
    throw new TensorError("worker", "expected a model that is open, got one that was closed or lost: open it again");
  }

  return {
    async open({ source }, { signal, onProgress }) {
      onProgress({ stage: "device" });
      device ??= newDevice();
      const { runtime, report } = await device.catch((error: unknown) => {
        device = undefined;
        throw error;
      });
      const tell = eachOnce(onNotice);
      const folder = await openSource(source, {
        hub,
        patience,
        signal,
        onProgress,
        onNotice: tell,
        kept: await keptFiles(),
      });
      const text = await openTextModel(folder, { runtime }, tell);
      try {
        await inTurn(signal, () => {
          onProgress({ stage: "warm-up" });
          return warmUp(text);
        });
        signal.throwIfAborted();
      } catch (error) {
        if (!(error instanceof DeviceLostError)) text.model.dispose();
        throw error;
      }
      models.set(++lastModel, text);
      return { model: lastModel, report: reportOf(folder.name, text, report) };
    },

    run: ({ model, task, inputs, options: { names, ...options } }, { signal }) =>
      inTurn(signal, async () => {
        const text = opened(model);
        const { device: name } = text.runtime.backend.capabilities;
        const maxTokensPerPack = name.startsWith("CPU") ? packTokens.cpu : packTokens.webgpu;
        const all = { maxTokensPerPack, ...options, signal, ...(names && { nameOf: (at: number) => names[at]! }) };
        const { counted, tokens } = countTokens(taskOf(task));
        const started = performance.now();
        const answers = await runTask(counted, text, inputs as never[], all);
        const milliseconds = performance.now() - started;
        return { answers, cost: { milliseconds, tokens: tokens(), memory: text.runtime.backend.memory().activeBytes } };
      }),

    tokenize: async ({ model, text }) => tokensOf(opened(model), text),

    close: ({ model }, { signal }) =>
      inTurn(signal, async () => {
        models.get(model)?.model.dispose();
        models.delete(model);
        return undefined;
      }),

    keptBytes: async () => (await keptFiles()).size(),
    async clearKept() {
      await (await keptFiles()).forget("");
      return undefined;
    },
  };
}

/** A task that says how many tokens went through the model. */
function countTokens<Input, Options, Output, Answer>(task: Task<Input, Options, Output, Answer>) {
  let tokens = 0;
  const counted: typeof task = {
    ...task,
    run(model, pack, options) {
      tokens += pack.ids.length;
      return task.run(model, pack, options);
    },
  };
  return { counted, tokens: () => tokens };
}

/** The first forward compiles kernels: nobody should wait for that while typing. */
async function warmUp(text: TextModel): Promise<void> {
  const mask = maskOf(text);
  if (text.model.head === "masked-lm" && mask !== undefined) await fillMask(text, [mask]);
  else {
    const hidden = text.model.encode(packSequences([Int32Array.of(0)]));
    await hidden.read();
    hidden.dispose();
  }
}

function maskOf({ tokenizer }: TextModel): string | undefined {
  const { mask } = tokenizer.specialTokens;
  return mask === undefined ? undefined : tokenizer.idToToken(mask);
}

function reportOf(name: string, text: TextModel, device: ModelReport["device"]): ModelReport {
  const { info } = text;
  const mask = maskOf(text);
  return {
    name,
    device,
    head: info.head,
    layers: info.numLayers,
    hiddenSize: info.hiddenSize,
    parameters: text.model.parameterCount(),
    maxLength: text.settings.maxLength,
    vocabSize: info.vocabSize,
    labels: info.head === "sequence-classification" || info.head === "token-classification" ? info.labels : [],
    prompts: [...text.settings.prompts.byName.keys()],
    tasks: taskNamesFor(info.head),
    ...(mask !== undefined && { mask }),
  };
}

function tokensOf({ tokenizer }: TextModel, text: string): TokenView[] {
  const { ids, offsets, tokens, stretches } = tokenizer.encode(text, {
    padding: false,
    truncation: false,
    offsets: "utf16",
  });
  const added = stretches.flatMap(({ of, length }) => Array.from({ length }, () => of === "special"));
  return Array.from(ids, (id, at) => ({
    id,
    token: tokens[at]!,
    ...(!added[at] && { place: [offsets![2 * at]!, offsets![2 * at + 1]!] as const }),
  }));
}
