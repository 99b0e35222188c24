/** A golden fixture from its two files, wherever they were read. Without Node, so that pages run the fixtures too. */
import { readSafetensors } from "@modernbert-ts/safetensors";
import type { DType, Runtime, Tensor } from "@modernbert-ts/tensor-core";
import { classNameOf, headNames } from "@modernbert-ts/encoder";
import { ModernBert, modernbertArchitecture, parseConfig } from "../../src/index.ts";
import type { Head, ModernBertConfig } from "../../src/index.ts";

export interface Fixture {
  readonly name: string;
  readonly config: ModernBertConfig;
  readonly head: Head;
  /** Names of the tensors. */
  readonly names: readonly string[];
  shape(name: string): readonly number[];
  floats(name: string): Float32Array;
  ints(name: string): Int32Array;
  /** Labels are integers for classes and floats for targets. */
  labels(): Int32Array | Float32Array;
}

/** @param json config.json @param golden golden.safetensors */
export function parseFixture(name: string, json: Record<string, unknown>, golden: ArrayBuffer | Uint8Array): Fixture {
  const file = readSafetensors(golden, name);
  const [architecture] = json["architectures"] as string[];
  const head = headNames.find((candidate) => classNameOf(modernbertArchitecture, candidate) === architecture)!;
  return {
    name,
    config: parseConfig(json),
    head,
    names: [...file.tensors.keys()],
    shape: (tensor) => file.tensors.get(tensor)!.shape,
    floats: (tensor) => file.toFloat32(tensor),
    ints: (tensor) => file.toInt32(tensor),
    labels: () =>
      file.tensors.get("input.labels")!.dtype === "I64" ? file.toInt32("input.labels") : file.toFloat32("input.labels"),
  };
}

/** The fixture's model with its own parameters, which `param.` prefixes. */
export function fixtureModel(fixture: Fixture, runtime: Runtime, dtype: DType = "f32"): ModernBert {
  const parameters = new Map<string, Tensor>();
  for (const tensor of fixture.names.filter((name) => name.startsWith("param."))) {
    const values = fixture.floats(tensor);
    const data = dtype === "f64" ? Float64Array.from(values) : values;
    parameters.set(tensor.slice("param.".length), runtime.tensor(data, fixture.shape(tensor), dtype));
  }
  const { config, head } = fixture;
  return new ModernBert({ runtime, config, head, parameters });
}
