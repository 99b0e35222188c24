/** The weights of a base with those of an adapter folded in, one tensor at a time: W + scale · B·A in f64; the rest is the adapter's or the base's. */
import type { HeadConfig } from "@modernbert-ts/encoder";
import type { SafetensorsReader, TensorEntry } from "@modernbert-ts/safetensors";
import { DataError } from "../errors.ts";
import type { AdapterConfig } from "./adapter-config.ts";
import type { AdapterTensors } from "./adapter-tensors.ts";
import { loraName, modulesOf } from "./modules.ts";
import type { Described, LinearModule } from "./modules.ts";

interface Base {
  readonly reader: SafetensorsReader;
  readonly folder: string;
}

type Take = (name: string, shape: readonly number[]) => string | undefined;

/** One for each parameter. @throws DataError where the two do not fit, before anything is written. */
export function foldedWeights<C extends HeadConfig>(
  model: Described<C>,
  config: AdapterConfig,
  tensors: AdapterTensors,
  base: Base,
): TensorEntry[] {
  const { kind, head } = model;
  const specs = kind.parameters(model.config, head);
  const left = new Set(tensors.shapes.keys());
  /** The adapter's tensor of a parameter, in either of its names. */
  const take: Take = (name, shape) => {
    const found = [name, kind.bareName(name)].find((each) => left.has(each));
    if (found === undefined) return undefined;
    expectShape(found, tensors.shapes.get(found)!, shape, tensors.source);
    left.delete(found);
    return found;
  };
  const linears = new Map(modulesOf(model).map((module) => [`${module.name}.weight`, module]));
  const entries = [...specs].map(([name, { shape }]): TensorEntry => {
    const replaced = take(name, shape);
    const module = linears.get(name);
    const delta = module && deltaOf(module, kind.bareName(module.name), take, tensors, config);
    const source = replaced === undefined ? storedName(model, base, name, shape) : undefined;
    return {
      name: head === "none" ? kind.bareName(name) : name,
      dtype: "F32",
      shape,
      async data() {
        const values = await (source === undefined ? tensors.read(replaced!) : base.reader.readFloat32(source));
        return delta ? delta(values) : values;
      },
    };
  });
  const [stray] = left;
  if (stray !== undefined)
    throw new DataError(
      "invalid",
      "lora",
      `expected adapters of linear layers and parameters of the model in ${tensors.source}, got ${stray}`,
    );
  return entries;
}

/** Adds scale · B·A to the weights of a module, which it overwrites; undefined where it has no adapter. */
function deltaOf(
  { name, shape: [outputs, inputs] }: LinearModule,
  bareName: string,
  take: Take,
  tensors: AdapterTensors,
  { scaleOf }: AdapterConfig,
): ((weights: Float32Array) => Promise<Float32Array>) | undefined {
  const rank = [name, bareName].flatMap((each) => tensors.shapes.get(loraName(each, "A"))?.slice(0, 1) ?? [])[0];
  if (rank === undefined) return undefined;
  const [a, b] = [take(loraName(name, "A"), [rank, inputs]), take(loraName(name, "B"), [outputs, rank])];
  if (a === undefined || b === undefined)
    throw new DataError("invalid", "lora", `expected both matrices of ${name} in ${tensors.source}, got one`);
  const factor = scaleOf(name, rank);
  return async (weights) => {
    const [down, up] = [await tensors.read(a), await tensors.read(b)];
    const row = new Float64Array(inputs);
    for (let output = 0; output < outputs; output++) {
      row.fill(0);
      for (let at = 0; at < rank; at++) {
        const share = up[output * rank + at]!;
        for (let input = 0; input < inputs; input++) row[input]! += share * down[at * inputs + input]!;
      }
      for (let input = 0; input < inputs; input++) weights[output * inputs + input]! += factor * row[input]!;
    }
    return weights;
  };
}

/** The name under which the base stores a parameter. */
function storedName<C extends HeadConfig>(
  { kind, config, head }: Described<C>,
  { reader, folder }: Base,
  name: string,
  shape: readonly number[],
): string {
  const names = kind.names(head);
  const tied = config.tieWordEmbeddings && name === names.embedding ? kind.storedNames(names.decoder) : [];
  const found = [...kind.storedNames(name), ...tied].find((each) => reader.has(each));
  if (found === undefined)
    throw new DataError("invalid", "lora", `expected ${name} in the adapter or in ${folder}, got none`);
  expectShape(name, reader.info(found).shape, shape, folder);
  return found;
}

function expectShape(name: string, found: readonly number[], wanted: readonly number[], source: string): void {
  if (found.join() === wanted.join()) return;
  throw new DataError(
    "mismatch",
    "lora",
    `expected ${name} [${wanted.join(", ")}] in ${source}, got [${found.join(", ")}]`,
  );
}
