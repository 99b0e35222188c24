/** One device and at most one model on it: what the worker's operations do. */
import { embed, embedSequences, fillMask, openTextModel } from "@modernbert-ts/pipelines/browser";
import type { TextModel } from "@modernbert-ts/pipelines/browser";
import { DeviceLostError, Runtime } from "@modernbert-ts/tensor-core";
import { openSource } from "../source/open-source.ts";
import type { Progress } from "../source/source.ts";
import { openBackend } from "./backend.ts";
import type { OpenBackend } from "./backend.ts";
import type { Cost, DeviceName, FillMaskAnswer, ModelReport, Operations, SimilarityAnswer } from "./protocol.ts";

type Engine = {
  [Name in keyof Operations]: (argument: Operations[Name]["argument"]) => Promise<Operations[Name]["result"]>;
};

export function createEngine(onProgress: (progress: Progress) => void): Engine {
  let device: (OpenBackend & { readonly runtime: Runtime }) | undefined;
  let current: TextModel | undefined;

  async function openDevice(name: DeviceName): Promise<NonNullable<typeof device>> {
    onProgress({ step: "Looking for a device" });
    const open = await openBackend(name);
    return { ...open, runtime: new Runtime(open.backend) };
  }

  function loaded(): TextModel {
    if (current) return current;
    throw new Error("[playground] expected a model, got none: load one first");
  }

  /** Runs `work`; a device that is lost takes its model with it. */
  async function onDevice<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DeviceLostError) {
        device = current = undefined;
        throw new Error("[playground] the GPU was lost: load the model again", { cause: error });
      }
      throw error;
    }
  }

  async function timed<T>(tokens: number, work: () => Promise<T>): Promise<{ value: T; cost: Cost }> {
    const started = performance.now();
    const value = await work();
    const milliseconds = performance.now() - started;
    return { value, cost: { milliseconds, tokens, memory: loaded().runtime.backend.memory().activeBytes } };
  }

  return {
    load: ({ source, device: name }): Promise<ModelReport> =>
      onDevice(async () => {
        device ??= await openDevice(name);
        const folder = openSource(source, onProgress);
        const next = await openTextModel(folder, { runtime: device.runtime }, (notice) => console.warn(notice));
        current?.model.dispose();
        current = next;
        onProgress({ step: "Warming up" });
        await warmUp(next);
        return report(folder.name, next, device);
      }),

    fillMask: ({ text, topK }): Promise<FillMaskAnswer> =>
      onDevice(async () => {
        const model = loaded();
        const { value, cost } = await timed(model.tokenizer.countTokens(text), () => fillMask(model, [text], { topK }));
        return { masks: value[0]!, cost };
      }),

    similarity: ({ texts }): Promise<SimilarityAnswer> =>
      onDevice(async () => {
        const model = loaded();
        const tokens = texts.reduce((sum, text) => sum + model.tokenizer.countTokens(text), 0);
        const { value, cost } = await timed(tokens, () => embed(model, texts, { normalize: true }));
        return { cosines: dotProducts(value), cost };
      }),
  };
}

/** The first forward compiles kernels: nobody should wait for that while typing. */
async function warmUp(model: TextModel): Promise<void> {
  const { mask } = model.tokenizer.specialTokens;
  if (canFill(model)) await fillMask(model, [model.tokenizer.idToToken(mask!)!]);
  else await embedSequences(model, [Int32Array.of(0)]);
}

function canFill({ model, tokenizer }: TextModel): boolean {
  return model.head === "masked-lm" && tokenizer.specialTokens.mask !== undefined;
}

function report(name: string, text: TextModel, { backend, fallback }: OpenBackend): ModelReport {
  const { info } = text.model;
  return {
    name,
    device: { name: backend.capabilities.device, ...(fallback !== undefined && { fallback }) },
    head: info.head,
    layers: info.numLayers,
    hiddenSize: info.hiddenSize,
    parameters: text.model.parameterCount(),
    ...(canFill(text) && { mask: text.tokenizer.idToToken(text.tokenizer.specialTokens.mask!)! }),
  };
}

/** Of all pairs of vectors, row by row. */
function dotProducts(vectors: readonly Float32Array[]): Float32Array {
  return Float32Array.from(vectors.flatMap((a) => vectors.map((b) => dot(a, b))));
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
}
