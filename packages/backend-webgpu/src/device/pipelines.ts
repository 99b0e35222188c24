/**
 * Compute pipelines by key: (operation, dtypes, variant, expression), never shapes. Shaders are put together here: a struct of
 * parameters, the bindings, the helpers that the body calls, the body. What does not compile is reported with numbered lines.
 */
import { TensorError } from "@modernbert-ts/tensor-core";
import { preludeFor } from "../wgsl/prelude.ts";
import { computeStage } from "./usage.ts";

export interface Slot {
  readonly name: string;
  /** WGSL element type of the storage array. */
  readonly type: string;
  readonly writes: boolean;
}

export interface ShaderText {
  /** Fields of the uniform struct `p`, in order. */
  readonly fields: readonly { readonly name: string; readonly type: string }[];
  readonly slots: readonly Slot[];
  /** Functions and the entry point `main`. */
  readonly body: string;
}

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

export interface Pipelines {
  /** Compiles on first use. */
  get(key: string, text: () => ShaderText): Pipeline;
  readonly count: number;
}

/** Bytes of the uniform struct that a dispatch sees: 64 words. */
export const parameterBytes = 256;

export function printShader({ fields, slots, body }: ShaderText): string {
  const struct = `struct Parameters {\n${fields.map(({ name, type }) => `  ${name}: ${type},`).join("\n")}\n}`;
  const bindings = slots.map(
    ({ name, type, writes }, at) =>
      `@group(0) @binding(${at + 1}) var<storage, ${writes ? "read_write" : "read"}> ${name}: array<${type}>;`,
  );
  const uniform = "@group(0) @binding(0) var<uniform> p: Parameters;";
  const text = [struct, uniform, ...bindings, preludeFor(body), body].filter((part) => part !== "").join("\n\n");
  return `${enables(text)}${text}`;
}

/** Directives for the extensions whose words occur in a shader. */
function enables(text: string): string {
  const words = { f16: /\b(f16|vec[234]h)\b/, subgroups: /\bsubgroup[A-Z]/ };
  const used = Object.entries(words).filter(([, pattern]) => pattern.test(text));
  return used.map(([extension]) => `enable ${extension};\n`).join("");
}

function numbered(code: string): string {
  return code
    .split("\n")
    .map((line, at) => `${String(at + 1).padStart(4)} ${line}`)
    .join("\n");
}

/**
 * @param check Gets a promise for each compilation, to be awaited before results are handed out.
 * @param fail Gets the first error of a shader.
 */
export function createPipelines(
  device: GPUDevice,
  check: (promise: Promise<void>) => void,
  fail: (error: Error) => void,
): Pipelines {
  const pipelines = new Map<string, Pipeline>();
  const layouts = new Map<string, GPUBindGroupLayout>();

  function layoutFor(slots: readonly Slot[]): GPUBindGroupLayout {
    const key = slots.map(({ writes }) => (writes ? "w" : "r")).join("");
    let layout = layouts.get(key);
    if (layout === undefined) {
      layout = device.createBindGroupLayout({
        entries: [
          { binding: 0, visibility: computeStage, buffer: { type: "uniform", hasDynamicOffset: true } },
          ...slots.map(({ writes }, at) => ({
            binding: at + 1,
            visibility: computeStage,
            buffer: { type: writes ? ("storage" as const) : ("read-only-storage" as const) },
          })),
        ],
      });
      layouts.set(key, layout);
    }
    return layout;
  }

  function compile(key: string, text: ShaderText): Pipeline {
    const code = printShader(text);
    const layout = layoutFor(text.slots);
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ code, label: key });
    const pipeline = device.createComputePipeline({
      label: key,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: "main" },
    });
    check(
      device.popErrorScope().then((error) => {
        if (error === null) return;
        fail(
          new TensorError(
            "compile",
            `expected WGSL that compiles for ${key}, got:\n${error.message}\n${numbered(code)}`,
          ),
        );
      }),
    );
    return { pipeline, layout };
  }

  return {
    get(key, text) {
      let pipeline = pipelines.get(key);
      if (pipeline === undefined) {
        pipeline = compile(key, text());
        pipelines.set(key, pipeline);
      }
      return pipeline;
    },
    get count() {
      return pipelines.size;
    },
  };
}
