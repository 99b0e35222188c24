/** Options that several commands share, and how their values are read. */
import { InvalidArgumentError, Option } from "commander";
import { backendNames } from "@modernbert-ts/backends";
import type { BackendName } from "@modernbert-ts/backends";
import { weightFormats } from "@modernbert-ts/encoder";
import type { WeightFormat } from "@modernbert-ts/encoder";
import type { ModelOptions } from "@modernbert-ts/pipelines";
import { precisions } from "@modernbert-ts/tensor-core";
import type { PrecisionName } from "@modernbert-ts/tensor-core";
import type { Streams } from "./streams.ts";

/** What `deviceOptions` gives. */
export interface DeviceOptions {
  readonly backend: BackendName | "auto";
  readonly dtype: PrecisionName;
  /** Default: as `dtype` computes. */
  readonly weights?: WeightFormat;
  readonly threads?: number;
}

export function modelOption(): Option {
  return new Option("--model <dir>", "Hugging Face folder, or a hub id such as answerdotai/ModernBERT-base");
}

/** A fresh list for each command: commander keeps state in them. */
export function deviceOptions(): Option[] {
  return [
    new Option("--backend <name>", "where to compute").choices(backendNames).default("auto"),
    new Option("--dtype <name>", "of matrix products and activations").choices(Object.keys(precisions)).default("f32"),
    new Option(
      "--weights <format>",
      "of linear layers, for inference: bf16 and int8 are quicker and a little less exact, int4 takes half the memory of int8 and is less exact (default: f32; bf16 with --dtype bf16)",
    ).choices(weightFormats),
    new Option("--threads <n>", "CPU threads (default: all cores)").argParser(positiveInteger),
  ];
}

/** The options of pipelines; weights only count where a model is opened; notices (downloads, the backend that `auto` took and why) go to stderr. */
export function runtimeOptions(options: DeviceOptions, streams: Streams): ModelOptions {
  const { backend, dtype, weights, threads } = options;
  return {
    backend,
    ...(weights && { weights }),
    precision: precisions[dtype],
    ...(threads !== undefined && { threads }),
    onNotice: notices(streams),
  };
}

export function notices({ stderr }: Streams): (notice: string) => void {
  return (notice) => void stderr.write(`${notice}\n`);
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError("expected a whole number above 0.");
  }
  return value;
}

export function positiveIntegers(text: string): number[] {
  return text.split(",").map(positiveInteger);
}

/** For an option that may be given several times. */
export function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
