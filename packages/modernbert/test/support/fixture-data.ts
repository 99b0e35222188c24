/** A golden fixture from its two files, wherever they were read. Without Node, so that pages run the fixtures too. */
import { readSafetensors } from "@modernbert-ts/safetensors";
import type { DType, Runtime, Tensor } from "@modernbert-ts/tensor-core";
import { classNameOf, headNames } from "@modernbert-ts/encoder";
import type { Architecture, Encoder, Head, HeadConfig } from "@modernbert-ts/encoder";
import { modernbertArchitecture } from "../../src/index.ts";
import type { ModernBert, ModernBertConfig } from "../../src/index.ts";

export interface Fixture<C extends HeadConfig = ModernBertConfig> {
  readonly name: string;
  readonly config: C;
  readonly head: Head;
  /** Names of the tensors. */
  readonly names: readonly string[];
  shape(name: string): readonly number[];
  floats(name: string): Float32Array;
  ints(name: string): Int32Array;
  /** Labels are integers for classes and floats for targets. */
  labels(): Int32Array | Float32Array;
}

/** A fixture of ModernBERT. @param json config.json @param golden golden.safetensors */
export function parseFixture(name: string, json: Record<string, unknown>, golden: ArrayBuffer | Uint8Array): Fixture {
  return parseFixtureOf(modernbertArchitecture, name, json, golden);
}

/** A fixture of any architecture. */
export function parseFixtureOf<C extends HeadConfig, E extends Encoder<C>>(
  architecture: Architecture<C, E>,
  name: string,
  json: Record<string, unknown>,
  golden: ArrayBuffer | Uint8Array,
): Fixture<C> {
  const file = readSafetensors(golden, name);
  const [className] = json["architectures"] as string[];
  const head = headNames.find((candidate) => classNameOf(architecture, candidate) === className)!;
  return {
    name,
    config: architecture.kind.parseConfig(json),
    head,
    names: [...file.tensors.keys()],
    shape: (tensor) => file.tensors.get(tensor)!.shape,
    floats: (tensor) => file.toFloat32(tensor),
    ints: (tensor) => file.toInt32(tensor),
    labels: () =>
      file.tensors.get("input.labels")!.dtype === "I64" ? file.toInt32("input.labels") : file.toFloat32("input.labels"),
  };
}

/** The fixture's ModernBERT with its own parameters. */
export function fixtureModel(fixture: Fixture, runtime: Runtime, dtype: DType = "f32"): ModernBert {
  return fixtureModelOf(modernbertArchitecture, fixture, runtime, dtype);
}

/** The fixture's model with its own parameters, which `param.` prefixes. */
export function fixtureModelOf<C extends HeadConfig, E extends Encoder<C>>(
  architecture: Architecture<C, E>,
  fixture: Fixture<C>,
  runtime: Runtime,
  dtype: DType = "f32",
): E {
  const parameters = new Map<string, Tensor>();
  for (const tensor of fixture.names.filter((name) => name.startsWith("param."))) {
    const values = fixture.floats(tensor);
    const data = dtype === "f64" ? Float64Array.from(values) : values;
    parameters.set(tensor.slice("param.".length), runtime.tensor(data, fixture.shape(tensor), dtype));
  }
  const { config, head } = fixture;
  return architecture.create({ runtime, config, head, parameters });
}
