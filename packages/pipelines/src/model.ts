/** A model folder on a backend: what pipelines are made of, and all that is needed where no text comes in. */
import { createBackend } from "@modernbert-ts/backends";
import type { BackendChoice, BackendName, BackendOptions } from "@modernbert-ts/backends";
import { loadModelFolder, readFolderConfig } from "@modernbert-ts/encoder";
import type { Encoder, Head, WeightFormat } from "@modernbert-ts/encoder";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import { DTypeError, float32Precision, Runtime } from "@modernbert-ts/tensor-core";
import type { FusionMode, Precision } from "@modernbert-ts/tensor-core";
import { architectures } from "./architectures.ts";
import { viewFolder } from "./folder/decision.ts";
import { quantizationOf } from "./folder/info.ts";
import { resolveModelFolder } from "./hub/model-folder.ts";
import type { ModelFolderOptions } from "./hub/model-folder.ts";

export interface RuntimeOptions extends BackendOptions {
  readonly backend?: BackendName | "auto";
  readonly precision?: Precision;
  readonly fusion?: FusionMode;
  /** What a person should know, such as the backend taken and why. */
  readonly onNotice?: (notice: string) => void;
}

/** A backend ready for work. Dispose it when done: it owns threads and memory outside JavaScript. */
export interface OpenRuntime extends AsyncDisposable {
  readonly choice: BackendChoice;
  readonly runtime: Runtime;
}

export interface ModelOptions extends RuntimeOptions, Omit<ModelFolderOptions, "weights"> {
  /** The head to put on; by default what `architectures` in config.json names. */
  readonly head?: Head;
  /** Fewer bytes for the weights: quicker, a little less exact. Default: the folder's own where that is quantised, else as `precision` computes, see `weightsFor`. */
  readonly weights?: WeightFormat;
}

export interface OpenModel extends OpenRuntime {
  readonly folder: string;
  readonly model: Encoder;
}

/** Picks a backend. @throws DTypeError when it cannot compute in the precision asked for. */
export async function openRuntime(options: RuntimeOptions = {}): Promise<OpenRuntime> {
  const choice = await createBackend(options.backend ?? "auto", options);
  const { backend } = choice;
  const dispose = (): PromiseLike<void> => backend[Symbol.asyncDispose]();
  const wanted = options.precision?.compute ?? "f32";
  const { arithmetic, accelerated } = backend.capabilities;
  if (!arithmetic.includes(wanted)) {
    await dispose();
    throw new DTypeError(
      "dtype",
      `expected one that ${choice.name} computes in (${arithmetic.join(", ")}), got ${wanted}`,
    );
  }
  if (options.backend === undefined || options.backend === "auto") options.onNotice?.(choice.reason);
  if (wanted !== "f32" && !accelerated.includes(wanted))
    options.onNotice?.(`${choice.name} has no fast ${wanted}: f32 is quicker here`);
  const runtime = new Runtime(backend, options.fusion ? { fusion: options.fusion } : {});
  return { choice, runtime, [Symbol.asyncDispose]: dispose };
}

/** For `check` of resolveModelFolder: a model of a kind that is not implemented is refused before its weights are downloaded. */
export async function checkConfig(folder: string): Promise<void> {
  await readFolderConfig(await viewFolder(diskFolder(folder)), architectures);
}

/** The format of weights for inference in a precision: what every pass would convert is held converted. */
export function weightsFor({ compute }: Precision = float32Precision): WeightFormat {
  return compute === "bf16" ? "bf16" : "f32";
}

/** Opens a folder or hub id on a backend, for inference. Dispose it when done. */
export async function openModel(source: string, options: ModelOptions = {}): Promise<OpenModel> {
  const { weights: asked, ...folderOptions } = options;
  const folder = await resolveModelFolder(source, { check: checkConfig, ...folderOptions });
  const view = await viewFolder(diskFolder(folder));
  const weights = asked ?? (await quantizationOf(view)) ?? weightsFor(options.precision);
  const open = await openRuntime(options);
  try {
    const { head, precision } = options;
    noticeSlowWeights(open, weights, options);
    const { model, unused } = await loadModelFolder(view, architectures, {
      runtime: open.runtime,
      weights,
      ...(head && { head }),
      ...(precision && { precision }),
    });
    if (precision?.compute === "f16") model.holdCopies();
    if (open.choice.backend.capture) model.captureForwards();
    if (!head && unused.length > 0) options.onNotice?.(`not used for head ${model.head}: ${unused.join(", ")}`);
    return {
      ...open,
      folder,
      model,
      async [Symbol.asyncDispose]() {
        model.dispose();
        await open[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await open[Symbol.asyncDispose]();
    throw error;
  }
}

/** The composite that multiplies with weights in a format. */
const products = { f32: undefined, bf16: "linear", int8: "int8Linear", int4: "int4Linear" } as const satisfies Record<
  WeightFormat,
  unknown
>;

function noticeSlowWeights({ choice }: OpenRuntime, weights: WeightFormat, { onNotice }: ModelOptions): void {
  const product = products[weights];
  if (product && !choice.backend.fused[product])
    onNotice?.(`${choice.name} has no kernel for ${weights} weights here: they save memory, f32 is quicker`);
}
